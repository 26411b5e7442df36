/**
 * Lets many share one piece of work whose answer ages: whoever asks gets the answer of a round that begins after the question. At
 * most one round is under way and one is waiting, however many ask.
 */
export function latestRound<T>(work: () => Promise<T>): () => Promise<T> {
  let current: Promise<unknown> = Promise.resolve()
  let waiting: Promise<T> | null = null
  return () => {
    if (waiting !== null) return waiting
    const begin = () => {
      waiting = null
      const round = work()
      current = round.catch(() => undefined)
      return round
    }
    waiting = current.then(begin)
    return waiting
  }
}
