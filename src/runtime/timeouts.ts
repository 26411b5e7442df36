import type { Clock } from '../workspace/clock.ts'

/** Waits at most `timeoutMs` for a promise, and returns whether it settled in time. Rejects if the promise does. */
export async function settlesWithin(clock: Clock, timeoutMs: number, promise: Promise<unknown>): Promise<boolean> {
  let cancel = () => {}
  const timedOut = new Promise<boolean>((resolve) => {
    cancel = clock.timer(timeoutMs, () => resolve(false))
  })
  try {
    return await Promise.race([promise.then(() => true), timedOut])
  } finally {
    cancel()
  }
}

/** Runs an operation with a signal that is aborted after `timeoutMs`, or with one of `signals`. The timer ends with the operation. */
export async function withTimeoutSignal<T>(
  clock: Clock,
  timeoutMs: number,
  operation: (signal: AbortSignal) => Promise<T>,
  ...signals: readonly AbortSignal[]
): Promise<T> {
  const timeout = new AbortController()
  const cancel = clock.timer(timeoutMs, () => timeout.abort())
  try {
    return await operation(AbortSignal.any([timeout.signal, ...signals]))
  } finally {
    cancel()
  }
}
