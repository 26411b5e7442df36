import type { Clock } from '../../src/supervisor/clock.ts'

/** A clock that stands until it is told to go on. */
export interface SimulatedClock extends Clock {
  /** Time passes: both clocks go on, and what is due rings in order. Everything that follows from a ring is done before the next. */
  pass(ms: number): Promise<void>
  /** The wall clock is set, forward or back; no time has passed. */
  jump(ms: number): void
  /** Timers that have not rung. */
  readonly pending: number
}

/** @param at What the wall clock shows at first, milliseconds since the epoch. */
export function simulatedClock(at = Date.UTC(2030, 0, 1)): SimulatedClock {
  let passed = 0
  let wall = at
  const timers = new Set<{ readonly at: number; readonly ring: () => void }>()

  function next(until: number) {
    let first: { readonly at: number; readonly ring: () => void } | undefined
    for (const timer of timers) if (timer.at <= until && (!first || timer.at < first.at)) first = timer
    return first
  }

  return {
    now: () => wall + passed,
    monotonic: () => passed,
    luck: () => 0,
    timer(delayMs, ring) {
      const timer = { at: passed + Math.max(0, delayMs), ring }
      timers.add(timer)
      return () => void timers.delete(timer)
    },
    async pass(ms) {
      const until = passed + ms
      await quiet()
      for (let timer = next(until); timer; timer = next(until)) {
        timers.delete(timer)
        passed = Math.max(passed, timer.at)
        timer.ring()
        await quiet()
      }
      passed = until
    },
    jump(ms) {
      wall += ms
    },
    get pending() {
      return timers.size
    },
  }
}

/** Lets everything happen that needs no time: a step, its commit, the effect that it begins and its answer are some turns of the loop. */
export async function quiet(turns = 20): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) await new Promise<void>((resolve) => setImmediate(resolve))
}
