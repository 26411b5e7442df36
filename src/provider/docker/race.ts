import { setMaxListeners } from 'node:events'

/** How something that was raced against a deadline and a signal ended. */
export type Ending<T> =
  | { readonly kind: 'answered'; readonly value: T }
  | { readonly kind: 'failed'; readonly error: unknown }
  | { readonly kind: 'overdue' }
  | { readonly kind: 'broken-off' }

/**
 * Runs `run` for at most `withinMs`, or until `signal` is aborted. Never rejects, and settles at the deadline even if
 * `run` never does: the promises of an HTTP client may stay open for ever when a connection dies after the headers.
 * `run` is handed a signal that is aborted then, so that it can let its socket go.
 */
export function race<T>(
  withinMs: number,
  signal: AbortSignal,
  run: (signal: AbortSignal) => Promise<T>,
): Promise<Ending<T>> {
  const inner = new AbortController()
  return new Promise((resolve) => {
    const settle = (ending: Ending<T>): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', breakOff)
      resolve(ending)
    }
    const breakOff = (): void => {
      settle({ kind: 'broken-off' })
      inner.abort()
    }
    const timer = setTimeout(() => {
      settle({ kind: 'overdue' })
      inner.abort()
    }, withinMs)
    if (signal.aborted) return breakOff()
    setMaxListeners(0, signal) // many requests may hang on one signal; each lets go of it when it settles
    signal.addEventListener('abort', breakOff, { once: true })
    run(inner.signal).then(
      (value) => settle({ kind: 'answered', value }),
      (error: unknown) => settle({ kind: 'failed', error }),
    )
  })
}

/** Waits `ms`, or less if one of `signals` is aborted. Never rejects. */
export function pause(ms: number, ...signals: readonly AbortSignal[]): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer)
      for (const signal of signals) signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, ms)
    if (signals.some((signal) => signal.aborted)) return end()
    setMaxListeners(0, ...signals)
    for (const signal of signals) signal.addEventListener('abort', end, { once: true })
  })
}
