import { setMaxListeners } from 'node:events'

/** How an operation with a deadline and an abort signal ended. */
export type DeadlineOutcome<T> =
  | { readonly kind: 'settled'; readonly value: T }
  | { readonly kind: 'failed'; readonly error: unknown }
  | { readonly kind: 'timed-out' }
  | { readonly kind: 'aborted' }

/**
 * Runs `operation` for at most `timeoutMs`, or until `signal` aborts. Never rejects, and settles at the deadline even if
 * `operation` never does: an HTTP client's promise may stay pending forever when a connection dies after the headers.
 * The signal passed to `operation` aborts then, so that the operation can release its socket.
 */
export function withDeadline<T>(
  timeoutMs: number,
  signal: AbortSignal,
  operation: (signal: AbortSignal) => Promise<T>,
): Promise<DeadlineOutcome<T>> {
  const controller = new AbortController()
  return new Promise((resolve) => {
    const timer = setTimeout(() => cancel('timed-out'), timeoutMs)
    if (signal.aborted) return onAbort()
    setMaxListeners(0, signal) // many requests may share one signal; each removes its listener when it settles
    signal.addEventListener('abort', onAbort, { once: true })
    operation(controller.signal).then(
      (value) => settle({ kind: 'settled', value }),
      (error: unknown) => settle({ kind: 'failed', error }),
    )

    function onAbort(): void {
      cancel('aborted')
    }
    function cancel(kind: 'timed-out' | 'aborted'): void {
      settle({ kind })
      controller.abort()
    }
    function settle(outcome: DeadlineOutcome<T>): void {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
      resolve(outcome)
    }
  })
}

/** Waits `ms`, or until one of `signals` aborts. Never rejects. */
export function abortableDelay(ms: number, ...signals: readonly AbortSignal[]): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(finish, ms)
    if (signals.some((signal) => signal.aborted)) return finish()
    setMaxListeners(0, ...signals)
    for (const signal of signals) signal.addEventListener('abort', finish, { once: true })

    function finish(): void {
      clearTimeout(timer)
      for (const signal of signals) signal.removeEventListener('abort', finish)
      resolve()
    }
  })
}
