import type { Clock } from '../../src/supervisor/clock.ts'

/** The time of one world. It stands until it is told to go on. */
export interface WorldClock extends Clock {
  /** A clock for one process: what it has armed dies with it. */
  forProcess(luck: () => number): ProcessClock
  /** Time passes, ring by ring; what follows from a ring is mostly done before the next. */
  pass(ms: number): Promise<void>
  /** Every process was frozen meanwhile: both clocks went on, and what fell due rings late, all at one time. */
  freeze(ms: number): Promise<void>
  /** The wall clock is set, forward or back; no time has passed. */
  jump(ms: number): void
  /** Waits until nothing goes on that needs no time. Throws if that never comes: then something runs hot. */
  settle(): Promise<void>
  /** Told by whoever does something that `settle` has to wait for. */
  stir(): void
}

export interface ProcessClock extends Clock {
  /** Timers that have not rung. */
  pending(): number
  kill(): void
}

interface Timer {
  readonly at: number
  readonly ring: () => void
}

/** From a step to its commit, from there to the effect, from its answer to the next step: each takes a turn of the loop, or two. */
const calmTurns = 2
const hotTurns = 20_000
/** Of timers that are due so close to one another, this share rings in one turn of a loop that is late: nothing is committed in between. */
const sameTurnMs = 100
const shareInOneTurn = 0.3

/** Promises go on, and the turn does not end. */
async function soon(): Promise<void> {
  for (let hop = 0; hop < 10; hop += 1) await Promise.resolve()
}

/** @param afterRing Called when what a ring has set off is over. */
export function worldClock(afterRing: () => void, luck: () => number): WorldClock {
  let passed = 0
  let wall = Date.UTC(2030, 0, 1)
  let stirred = 0
  const timers = new Set<Timer>()

  function first(until: number): Timer | undefined {
    let found: Timer | undefined
    for (const timer of timers) if (timer.at <= until && (!found || timer.at < found.at)) found = timer
    return found
  }

  function arm(delayMs: number, ring: () => void, of: Set<Timer>): () => void {
    stirred += 1
    const timer = { at: passed + Math.max(0, delayMs), ring }
    timers.add(timer)
    of.add(timer)
    return () => {
      timers.delete(timer)
      of.delete(timer)
    }
  }

  async function settle() {
    let seen = stirred
    for (let [turns, calm] = [0, 0]; calm < calmTurns; turns += 1) {
      if (turns > hotTurns) throw new Error('it never comes to rest: something goes on without time passing')
      await new Promise<void>((resolve) => setImmediate(resolve))
      calm = stirred === seen ? calm + 1 : 0
      seen = stirred
    }
  }

  async function ringUntil(until: number) {
    await settle()
    for (let timer = first(until); timer; timer = first(until)) {
      timers.delete(timer)
      passed = Math.max(passed, timer.at)
      timer.ring()
      const next = first(until)
      if (next && next.at - passed <= sameTurnMs && luck() < shareInOneTurn) {
        await soon()
        continue
      }
      await settle()
      afterRing()
    }
  }

  return {
    now: () => wall + passed,
    monotonic: () => passed,
    luck,
    timer: (delayMs, ring) => arm(delayMs, ring, new Set()),
    forProcess(luck) {
      const own = new Set<Timer>()
      let dead = false
      return {
        now: () => wall + passed,
        monotonic: () => passed,
        luck,
        timer(delayMs, ring) {
          if (dead) return () => {}
          const cancel = arm(
            delayMs,
            () => {
              cancel()
              ring()
            },
            own,
          )
          return cancel
        },
        pending: () => own.size,
        kill() {
          dead = true
          for (const timer of own) timers.delete(timer)
          own.clear()
        },
      }
    },
    async pass(ms) {
      const until = passed + ms
      await ringUntil(until)
      passed = until
    },
    async freeze(ms) {
      await settle()
      passed += ms
      await ringUntil(passed)
    },
    jump(ms) {
      wall += ms
    },
    settle,
    stir: () => void (stirred += 1),
  }
}
