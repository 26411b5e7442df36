import type { TransitionEvent } from '../wire/event.ts'
import { ApiError, apiErrorFrom } from './api-error.ts'
import { parseServerSentEvents } from './server-sent-events.ts'

/** What a follower is told, in order. */
export type TransitionFeedEvent =
  /** The feed is there. `resumed`: it goes on where it broke off, and nothing is missing; else begin by reading the list. */
  | { readonly kind: 'connected'; readonly resumed: boolean }
  | { readonly kind: 'transition'; readonly transition: TransitionEvent }
  /** The connection is gone; another is tried in `againMs`. */
  | { readonly kind: 'lost'; readonly reason: string; readonly retryInMs: number }

const minBackoffMs = 250
const maxBackoffMs = 5000
/** The service sends something every 15 seconds: after so long without, the connection is dead, even if nothing says so. */
const inactivityTimeoutMs = 40_000

/**
 * Follows the feed that `open` opens, and opens it again whenever it breaks, after the last event that was seen. Ends when `signal` is
 * aborted. @throws {ApiError} when the service refuses for good: who asks is not known, say.
 */
export async function* followEventFeed(
  connect: (after: string | null, signal: AbortSignal) => Promise<Response>,
  after: string | null,
  signal: AbortSignal,
): AsyncGenerator<TransitionFeedEvent, void, undefined> {
  let lastEventId = after
  let backoffMs = minBackoffMs
  while (!signal.aborted) {
    const inactivity = inactivityTimeout(signal)
    let reason = 'The connection was closed.'
    try {
      const resumed = lastEventId !== null
      const response = await connect(lastEventId, inactivity.signal)
      // The service does not know that place: another database is there now.
      if (response.status === 400 && resumed) {
        await response.body?.cancel()
        lastEventId = null
        continue
      }
      if (response.status === 204) return
      if (!response.ok || !response.body) throw await apiErrorFrom(response)
      for await (const event of parseServerSentEvents(response.body)) {
        inactivity.reset()
        if (event === null) continue
        lastEventId = event.id ?? lastEventId
        if (event.event === 'ready') {
          backoffMs = minBackoffMs
          yield { kind: 'connected', resumed }
        } else if (event.event === 'transition')
          yield { kind: 'transition', transition: JSON.parse(event.data) as TransitionEvent }
        else if (event.event === 'dropped') reason = `The service ended it: ${event.data}`
      }
    } catch (error) {
      if (error instanceof ApiError && error.status >= 400 && error.status < 500) throw error
      reason = error instanceof Error ? error.message : String(error)
    } finally {
      inactivity.dispose()
    }
    if (signal.aborted) return
    yield { kind: 'lost', reason, retryInMs: backoffMs }
    await delayUnlessAborted(backoffMs, signal)
    backoffMs = Math.min(2 * backoffMs, maxBackoffMs)
  }
}

/** A signal that is aborted with `outer`, when nobody gives a sign of life for too long, and at the end. */
export function inactivityTimeout(parentSignal: AbortSignal) {
  const abortController = new AbortController()
  const abort = () => abortController.abort()
  const arm = () => setTimeout(abort, inactivityTimeoutMs)
  let timer = arm()
  parentSignal.addEventListener('abort', abort)
  return {
    signal: abortController.signal,
    reset() {
      clearTimeout(timer)
      timer = arm()
    },
    /** Whoever reads is busy: the silence until the next sign is theirs. */
    suspend() {
      clearTimeout(timer)
    },
    dispose() {
      clearTimeout(timer)
      parentSignal.removeEventListener('abort', abort)
      abort()
    },
  }
}

/** Waits; less if `signal` is aborted. */
export function delayUnlessAborted(ms: number, signal: AbortSignal): Promise<void> {
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
