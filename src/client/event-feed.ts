import type { TransitionEvent } from '../wire/event.ts'
import { ApiError, errorOf } from './api-error.ts'
import { sentEvents } from './event-lines.ts'

/** What a follower is told, in order. */
export type Told =
  /** The feed is there. `resumed`: it goes on where it broke off, and nothing is missing; else begin by reading the list. */
  | { readonly kind: 'connected'; readonly resumed: boolean }
  | { readonly kind: 'transition'; readonly transition: TransitionEvent }
  /** The connection is gone; another is tried in `againMs`. */
  | { readonly kind: 'lost'; readonly why: string; readonly againMs: number }

const shortestPauseMs = 250
const longestPauseMs = 5000
/** The service sends something every 15 seconds: after so long without, the connection is dead, even if nothing says so. */
const silenceMs = 40_000

/**
 * Follows the feed that `open` opens, and opens it again whenever it breaks, after the last event that was seen. Ends when `signal` is
 * aborted. @throws {ApiError} when the service refuses for good: who asks is not known, say.
 */
export async function* followed(
  open: (after: string | null, signal: AbortSignal) => Promise<Response>,
  after: string | null,
  signal: AbortSignal,
): AsyncGenerator<Told, void, undefined> {
  let last = after
  let pauseMs = shortestPauseMs
  while (!signal.aborted) {
    const life = watched(signal)
    let why = 'The connection was closed.'
    try {
      const resumed = last !== null
      const answer = await open(last, life.signal)
      // The service does not know that place: another database is there now.
      if (answer.status === 400 && resumed) {
        await answer.body?.cancel()
        last = null
        continue
      }
      if (answer.status === 204) return
      if (!answer.ok || !answer.body) throw await errorOf(answer)
      for await (const event of sentEvents(answer.body)) {
        life.sign()
        if (event === null) continue
        last = event.id ?? last
        if (event.event === 'ready') {
          pauseMs = shortestPauseMs
          yield { kind: 'connected', resumed }
        } else if (event.event === 'transition')
          yield { kind: 'transition', transition: JSON.parse(event.data) as TransitionEvent }
        else if (event.event === 'dropped') why = `The service ended it: ${event.data}`
      }
    } catch (error) {
      if (error instanceof ApiError && error.status >= 400 && error.status < 500) throw error
      why = error instanceof Error ? error.message : String(error)
    } finally {
      life.end()
    }
    if (signal.aborted) return
    yield { kind: 'lost', why, againMs: pauseMs }
    await pause(pauseMs, signal)
    pauseMs = Math.min(2 * pauseMs, longestPauseMs)
  }
}

/** A signal that is aborted with `outer`, when nobody gives a sign of life for too long, and at the end. */
export function watched(outer: AbortSignal) {
  const inner = new AbortController()
  const abort = () => inner.abort()
  const arm = () => setTimeout(abort, silenceMs)
  let timer = arm()
  outer.addEventListener('abort', abort)
  return {
    signal: inner.signal,
    sign() {
      clearTimeout(timer)
      timer = arm()
    },
    /** Whoever reads is busy: the silence until the next sign is theirs. */
    rest() {
      clearTimeout(timer)
    },
    end() {
      clearTimeout(timer)
      outer.removeEventListener('abort', abort)
      abort()
    },
  }
}

/** Waits; less if `signal` is aborted. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(over, ms)
    signal.addEventListener('abort', over)
    function over() {
      clearTimeout(timer)
      signal.removeEventListener('abort', over)
      resolve()
    }
  })
}
