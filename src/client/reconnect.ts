import { ApiError, connectionError } from './api-error.ts'
import { InvalidResponseError } from './response-body.ts'

/** The connection was lost; the next attempt follows after `retryInMs`. */
export interface DisconnectedEvent {
  readonly kind: 'disconnected'
  readonly reason: string
  readonly retryInMs: number
}

/** How one connection ended without an error. `complete`: there is nothing to reconnect to. */
export type ConnectionEnd =
  | { readonly kind: 'complete' }
  | { readonly kind: 'closed'; readonly reason: string }
  /** Reconnect at once, without a `disconnected` event. */
  | { readonly kind: 'restart' }

/** Waits `ms` milliseconds, or until `signal` is aborted. Never rejects. */
export type Delay = (ms: number, signal: AbortSignal) => Promise<void>

export interface ReconnectOptions<E> {
  /** Opens one connection and yields its events. Calls `resetBackoff` once the connection has proved to work. */
  readonly connect: (resetBackoff: () => void) => AsyncGenerator<E, ConnectionEnd, undefined>
  /** Handles an error of `connect`: returns how to go on, or throws to end the stream. */
  readonly recover: (error: unknown) => ConnectionEnd
  /** Ends the stream, without an error. */
  readonly signal: AbortSignal
  readonly delay?: Delay | undefined
}

const minBackoffMs = 250
const maxBackoffMs = 5000
/** The service sends at least an empty line every 15 seconds; a connection that is silent for longer than this is dead. */
const inactivityTimeoutMs = 40_000

export const connectionClosed: ConnectionEnd = { kind: 'closed', reason: 'The connection was closed.' }

/** Yields the events of one connection after another, with exponential backoff between them, until one is complete. */
export async function* reconnect<E>({
  connect,
  recover,
  signal,
  delay = delayUnlessAborted,
}: ReconnectOptions<E>): AsyncGenerator<E | DisconnectedEvent, void, undefined> {
  let backoffMs = minBackoffMs
  while (!signal.aborted) {
    let end: ConnectionEnd
    try {
      end = yield* connect(() => (backoffMs = minBackoffMs))
    } catch (error) {
      if (signal.aborted) return
      end = recover(error)
    }
    if (end.kind === 'complete' || signal.aborted) return
    if (end.kind === 'restart') continue
    yield { kind: 'disconnected', reason: end.reason, retryInMs: backoffMs }
    await delay(backoffMs, signal)
    backoffMs = Math.min(2 * backoffMs, maxBackoffMs)
  }
}

/** Converts an error that may be temporary. @throws {ApiError} a refusal (4xx), {InvalidResponseError}: these would repeat on every attempt. */
export function retryableFailure(error: unknown): ApiError {
  if (error instanceof InvalidResponseError) throw error
  const failure = error instanceof ApiError ? error : connectionError(error)
  if (failure.status >= 400 && failure.status < 500) throw failure
  return failure
}

/** Detects a dead connection: aborts `signal` when nothing arrives for `timeoutMs`, and when `parentSignal` is aborted. */
export function inactivityTimeout(parentSignal: AbortSignal, timeoutMs = inactivityTimeoutMs) {
  const { signal, abort, unlink } = linkedAbort(parentSignal)
  const arm = () => setTimeout(abort, timeoutMs)
  let timer = arm()
  return {
    signal,
    /** Passes on the items of `source`, each of which restarts the timeout. The time that the consumer spends on an item does not count. */
    async *watch<T>(source: AsyncIterable<T>): AsyncGenerator<T, void, undefined> {
      for await (const item of source) {
        clearTimeout(timer)
        yield item
        timer = arm()
      }
    },
    /** Aborts `signal`, so that the connection is released. */
    dispose() {
      clearTimeout(timer)
      unlink()
      abort()
    },
  }
}

/** A signal that is aborted by `abort`, and with `parentSignal` until `unlink` is called. */
export function linkedAbort(parentSignal: AbortSignal | undefined) {
  const controller = new AbortController()
  const abort = () => controller.abort()
  if (parentSignal?.aborted === true) abort()
  parentSignal?.addEventListener('abort', abort)
  return { signal: controller.signal, abort, unlink: () => parentSignal?.removeEventListener('abort', abort) }
}

function delayUnlessAborted(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(finish, ms)
    signal.addEventListener('abort', finish)
    function finish() {
      clearTimeout(timer)
      signal.removeEventListener('abort', finish)
      resolve()
    }
  })
}
