/**
 * Lets many share one piece of work whose answer ages: whoever asks gets the answer of a round that begins after the question. At
 * most one round is under way and one is waiting, however many ask.
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
