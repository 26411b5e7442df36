/**
 * Shares one piece of work, whose result goes stale, among concurrent callers. Each call gets the result of a round that starts after
 * the call. At most one round runs and one waits, however many calls there are.
 */
export function coalesceCalls<T>(work: () => Promise<T>): () => Promise<T> {
  let inFlight: Promise<unknown> = Promise.resolve()
  let queued: Promise<T> | null = null
  return () => {
    if (queued !== null) return queued
    const startRound = () => {
      queued = null
      const round = work()
      inFlight = round.catch(() => undefined)
      return round
    }
    queued = inFlight.then(startRound)
    return queued
  }
}
