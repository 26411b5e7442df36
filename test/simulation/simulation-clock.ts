import type { Clock } from '../../src/workspace/clock.ts'

/** The clock of a simulation. It stands still until it is advanced. */
export interface SimulationClock extends Clock {
  /** Returns a clock for one process, whose timers are cancelled when the process dies. */
  forProcess(jitter: () => number): ProcessClock
  /** Advances both clocks and fires due timers in order. What a timer causes is mostly done before the next one fires. */
  advance(ms: number): Promise<void>
  /** Simulates a frozen process: both clocks advance by `ms` at once, and all due timers fire late. */
  freeze(ms: number): Promise<void>
  /** Moves the wall clock by `ms`, forward or back. The monotonic clock does not move. */
  setWallClock(ms: number): void
  /** Waits until all work that needs no time is done. Throws if it never ends, which is a hot loop. */
  settle(): Promise<void>
  /** Records activity that `settle` has to wait for. */
  recordActivity(): void
}

export interface ProcessClock extends Clock {
  /** Number of timers that have not fired. */
  pending(): number
  kill(): void
}

interface ClockTimer {
  readonly at: number
  readonly fire: () => void
}

/** A transition, its commit, its effect and the result each take a turn of the event loop, or two. */
const idleTurns = 2
const maxTurns = 20_000
/** Probability that timers within `sameTurnMs` fire in the same turn of a late event loop, without a commit in between. */
const sameTurnMs = 100
const sameTurnProbability = 0.3

/** Runs pending promise callbacks without ending the turn. */
async function flushMicrotasks(): Promise<void> {
  for (let tick = 0; tick < 10; tick += 1) await Promise.resolve()
}

/** @param afterTimer Called when everything that a timer caused is done. */
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

  function addTimer(delayMs: number, fire: () => void, owned: Set<ClockTimer>): () => void {
    activity += 1
    const timer = { at: elapsed + Math.max(0, delayMs), fire }
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
      if (turns > maxTurns) throw new Error('the simulation does not settle: work continues without time passing')
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
      timer.fire()
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
    timer: (delayMs, fire) => addTimer(delayMs, fire, new Set()),
    forProcess(jitter) {
      const ownTimers = new Set<ClockTimer>()
      let killed = false
      return {
        now: () => wallOffset + elapsed,
        monotonic: () => elapsed,
        jitter,
        timer(delayMs, fire) {
          if (killed) return () => {}
          const cancel = addTimer(
            delayMs,
            () => {
              cancel()
              fire()
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
