import type { Clock } from '../../src/workspace/clock.ts'

/** The time of one world. It stands until it is told to go on. */
export interface SimulationClock extends Clock {
  /** A clock for one process: what it has armed dies with it. */
  forProcess(jitter: () => number): ProcessClock
  /** Time passes, ring by ring; what follows from a ring is mostly done before the next. */
  advance(ms: number): Promise<void>
  /** Every process was frozen meanwhile: both clocks went on, and what fell due rings late, all at one time. */
  freeze(ms: number): Promise<void>
  /** The wall clock is set, forward or back; no time has passed. */
  setWallClock(ms: number): void
  /** Waits until nothing goes on that needs no time. Throws if that never comes: then something runs hot. */
  settle(): Promise<void>
  /** Told by whoever does something that `settle` has to wait for. */
  recordActivity(): void
}

export interface ProcessClock extends Clock {
  /** Timers that have not rung. */
  pending(): number
  kill(): void
}

interface ClockTimer {
  readonly at: number
  readonly ring: () => void
}

/** From a step to its commit, from there to the effect, from its answer to the next step: each takes a turn of the loop, or two. */
const idleTurns = 2
const maxTurns = 20_000
/** Of timers that are due so close to one another, this share rings in one turn of a loop that is late: nothing is committed in between. */
const sameTurnMs = 100
const sameTurnProbability = 0.3

/** Promises go on, and the turn does not end. */
async function flushMicrotasks(): Promise<void> {
  for (let tick = 0; tick < 10; tick += 1) await Promise.resolve()
}

/** @param afterTimer Called when what a ring has set off is over. */
export function simulationClock(afterTimer: () => void, jitter: () => number): SimulationClock {
  let elapsed = 0
  let wallOffset = Date.UTC(2030, 0, 1)
  let activity = 0
  const timers = new Set<ClockTimer>()

  function firstTimer(until: number): ClockTimer | undefined {
    let earliest: ClockTimer | undefined
    for (const timer of timers) if (timer.at <= until && (!earliest || timer.at < earliest.at)) earliest = timer
    return earliest
  }

  function addTimer(delayMs: number, ring: () => void, owned: Set<ClockTimer>): () => void {
    activity += 1
    const timer = { at: elapsed + Math.max(0, delayMs), ring }
    timers.add(timer)
    owned.add(timer)
    return () => {
      timers.delete(timer)
      owned.delete(timer)
    }
  }

  async function settle() {
    let lastActivity = activity
    for (let [turns, idle] = [0, 0]; idle < idleTurns; turns += 1) {
      if (turns > maxTurns) throw new Error('it never comes to rest: something goes on without time passing')
      await new Promise<void>((resolve) => setImmediate(resolve))
      idle = activity === lastActivity ? idle + 1 : 0
      lastActivity = activity
    }
  }

  async function fireUntil(until: number) {
    await settle()
    for (let timer = firstTimer(until); timer; timer = firstTimer(until)) {
      timers.delete(timer)
      elapsed = Math.max(elapsed, timer.at)
      timer.ring()
      const next = firstTimer(until)
      if (next && next.at - elapsed <= sameTurnMs && jitter() < sameTurnProbability) {
        await flushMicrotasks()
        continue
      }
      await settle()
      afterTimer()
    }
  }

  return {
    now: () => wallOffset + elapsed,
    monotonic: () => elapsed,
    jitter,
    timer: (delayMs, ring) => addTimer(delayMs, ring, new Set()),
    forProcess(jitter) {
      const ownTimers = new Set<ClockTimer>()
      let killed = false
      return {
        now: () => wallOffset + elapsed,
        monotonic: () => elapsed,
        jitter,
        timer(delayMs, ring) {
          if (killed) return () => {}
          const cancel = addTimer(
            delayMs,
            () => {
              cancel()
              ring()
            },
            ownTimers,
          )
          return cancel
        },
        pending: () => ownTimers.size,
        kill() {
          killed = true
          for (const timer of ownTimers) timers.delete(timer)
          ownTimers.clear()
        },
      }
    },
    async advance(ms) {
      const until = elapsed + ms
      await fireUntil(until)
      elapsed = until
    },
    async freeze(ms) {
      await settle()
      elapsed += ms
      await fireUntil(elapsed)
    },
    setWallClock(ms) {
      wallOffset += ms
    },
    settle,
    recordActivity: () => void (activity += 1),
  }
}
