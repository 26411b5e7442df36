import type { Clock } from '../../src/workspace/clock.ts'

/** A clock that stands until it is told to go on. */
export interface SimulatedClock extends Clock {
  /** Time passes: both clocks go on, and what is due rings in order. Everything that follows from a ring is done before the next. */
  advance(ms: number): Promise<void>
  /** The wall clock is set, forward or back; no time has passed. */
  setWallClock(ms: number): void
  /** Timers that have not rung. */
  readonly pending: number
}

/** @param at What the wall clock shows at first, milliseconds since the epoch. */
export function simulatedClock(at = Date.UTC(2030, 0, 1)): SimulatedClock {
  let elapsed = 0
  let wallOffset = at
  const timers = new Set<{ readonly at: number; readonly ring: () => void }>()

  function nextTimer(until: number) {
    let first: { readonly at: number; readonly ring: () => void } | undefined
    for (const timer of timers) if (timer.at <= until && (!first || timer.at < first.at)) first = timer
    return first
  }

  return {
    now: () => wallOffset + elapsed,
    monotonic: () => elapsed,
    jitter: () => 0,
    timer(delayMs, ring) {
      const timer = { at: elapsed + Math.max(0, delayMs), ring }
      timers.add(timer)
      return () => void timers.delete(timer)
    },
    async advance(ms) {
      const until = elapsed + ms
      await settle()
      for (let timer = nextTimer(until); timer; timer = nextTimer(until)) {
        timers.delete(timer)
        elapsed = Math.max(elapsed, timer.at)
        timer.ring()
        await settle()
      }
      elapsed = until
    },
    setWallClock(ms) {
      wallOffset += ms
    },
    get pending() {
      return timers.size
    },
  }
}

/** Lets everything happen that needs no time: a step, its commit, the effect that it begins and its answer are some turns of the loop. */
export async function settle(turns = 20): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) await new Promise<void>((resolve) => setImmediate(resolve))
}
