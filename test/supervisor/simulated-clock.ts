import type { Clock } from '../../src/workspace/clock.ts'

/** A clock that stands still until the test advances it. */
export interface SimulatedClock extends Clock {
  /** Advances both clocks and fires due timers in order. Everything that a timer causes is done before the next one fires. */
  advance(ms: number): Promise<void>
  /** Moves the wall clock by `ms`, forward or back. The monotonic clock does not move. */
  setWallClock(ms: number): void
  /** Number of timers that have not fired. */
  readonly pending: number
}

/** @param at Initial time of the wall clock, milliseconds since the epoch. */
export function simulatedClock(at = Date.UTC(2030, 0, 1)): SimulatedClock {
  let elapsed = 0
  let wallOffset = at
  const timers = new Set<{ readonly at: number; readonly fire: () => void }>()

  function nextTimer(until: number) {
    let first: { readonly at: number; readonly fire: () => void } | undefined
    for (const timer of timers) if (timer.at <= until && (!first || timer.at < first.at)) first = timer
    return first
  }

  return {
    now: () => wallOffset + elapsed,
    monotonic: () => elapsed,
    jitter: () => 0,
    timer(delayMs, fire) {
      const timer = { at: elapsed + Math.max(0, delayMs), fire }
      timers.add(timer)
      return () => void timers.delete(timer)
    },
    async advance(ms) {
      const until = elapsed + ms
      await settle()
      for (let timer = nextTimer(until); timer; timer = nextTimer(until)) {
        timers.delete(timer)
        elapsed = Math.max(elapsed, timer.at)
        timer.fire()
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

/** Runs everything that needs no time: a transition, its commit, its effect and the result take a few turns of the event loop. */
export async function settle(turns = 20): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) await new Promise<void>((resolve) => setImmediate(resolve))
}
