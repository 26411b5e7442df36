/** Source of time and randomness. Tests replace it with a simulated one. */
export interface Clock {
  /** Wall clock, milliseconds since the epoch. It may jump. */
  now(): number
  /** Milliseconds since an arbitrary origin; never jumps. */
  monotonic(): number
  /** A number from 0 to 1 that spreads retries. */
  jitter(): number
  /** Calls `callback` once, no sooner than `delayMs` from now; any length. Returns a function that cancels the call. */
  timer(delayMs: number, callback: () => void): () => void
}

/** Node fires a longer timer at once (law 6). */
const longestTimerMs = 2 ** 31 - 1

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  jitter: () => Math.random(),
  timer(delayMs, callback) {
    let handle: NodeJS.Timeout
    const arm = (remainingMs: number) => {
      handle = setTimeout(
        () => (remainingMs > longestTimerMs ? arm(remainingMs - longestTimerMs) : callback()),
        Math.min(Math.max(remainingMs, 0), longestTimerMs),
      )
    }
    arm(delayMs)
    return () => clearTimeout(handle)
  },
}
