import { setMaxListeners } from 'node:events'

/** How something that was raced against a deadline and a signal ended. */
export type DeadlineOutcome<T> =
  | { readonly kind: 'settled'; readonly value: T }
  | { readonly kind: 'failed'; readonly error: unknown }
  | { readonly kind: 'timed-out' }
  | { readonly kind: 'aborted' }

/**
 * Runs `run` for at most `withinMs`, or until `signal` is aborted. Never rejects, and settles at the deadline even if
 * `run` never does: the promises of an HTTP client may stay open for ever when a connection dies after the headers.
 * `run` is handed a signal that is aborted then, so that it can let its socket go.
 */
export function withDeadline<T>(
  timeoutMs: number,
  signal: AbortSignal,
  operation: (signal: AbortSignal) => Promise<T>,
): Promise<DeadlineOutcome<T>> {
  const controller = new AbortController()
  return new Promise((resolve) => {
    const settle = (outcome: DeadlineOutcome<T>): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
      resolve(outcome)
    }
    const onAbort = (): void => {
      settle({ kind: 'aborted' })
      controller.abort()
    }
    const timer = setTimeout(() => {
      settle({ kind: 'timed-out' })
      controller.abort()
    }, timeoutMs)
    if (signal.aborted) return onAbort()
    setMaxListeners(0, signal) // many requests may hang on one signal; each lets go of it when it settles
    signal.addEventListener('abort', onAbort, { once: true })
    operation(controller.signal).then(
      (value) => settle({ kind: 'settled', value }),
      (error: unknown) => settle({ kind: 'failed', error }),
    )
  })
}

/** Waits `ms`, or less if one of `signals` is aborted. Never rejects. */
export function abortableDelay(ms: number, ...signals: readonly AbortSignal[]): Promise<void> {
  return new Promise((resolve) => {
    const finish = (): void => {
      clearTimeout(timer)
      for (const signal of signals) signal.removeEventListener('abort', finish)
      resolve()
    }
    const timer = setTimeout(finish, ms)
    if (signals.some((signal) => signal.aborted)) return finish()
    setMaxListeners(0, ...signals)
    for (const signal of signals) signal.addEventListener('abort', finish, { once: true })
  })
}
