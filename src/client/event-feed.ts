import type { TransitionEvent } from '../wire/event.ts'
import { apiErrorFrom } from './api-error.ts'
import type { ConnectionEnd, Delay, DisconnectedEvent } from './reconnect.ts'
import { connectionClosed, inactivityTimeout, reconnect, retryableFailure } from './reconnect.ts'
import type { ReadBody } from './response-body.ts'
import { parseServerSentEvents } from './server-sent-events.ts'

export type TransitionFeedEvent =
  /** `resumed`: the feed continues after the last event without a gap. Otherwise transitions may be missing: read the list again. */
  | { readonly kind: 'connected'; readonly resumed: boolean }
  | { readonly kind: 'transition'; readonly transition: TransitionEvent }
  | DisconnectedEvent

export interface EventFeedOptions {
  /** Requests the feed after the event with the id `after`; `null`: from now on. */
  readonly open: (after: string | null, signal: AbortSignal) => Promise<Response>
  readonly readBody: ReadBody
  readonly after: string | null
  readonly signal: AbortSignal
  readonly delay?: Delay
}

/** Follows an event feed, and reconnects after the last event. Ends with `signal`, or with the feed. @throws {ApiError} on a refusal (4xx). */
export function followEventFeed({
  open,
  readBody,
  after,
  signal,
  delay,
}: EventFeedOptions): AsyncGenerator<TransitionFeedEvent, void, undefined> {
  let lastEventId = after

  async function* connect(resetBackoff: () => void): AsyncGenerator<TransitionFeedEvent, ConnectionEnd, undefined> {
    const inactivity = inactivityTimeout(signal)
    try {
      const resumed = lastEventId !== null
      const response = await open(lastEventId, inactivity.signal)
      // The service does not know the event: its database was replaced.
      if (response.status === 400 && resumed) {
        await response.body?.cancel()
        lastEventId = null
        return { kind: 'restart' }
      }
      if (response.status === 204) return { kind: 'complete' }
      if (!response.ok || !response.body) throw await apiErrorFrom(response)
      let end = connectionClosed
      for await (const event of inactivity.watch(parseServerSentEvents(response.body))) {
        if (event === null) continue
        lastEventId = event.id ?? lastEventId
        if (event.event === 'ready') {
          resetBackoff()
          yield { kind: 'connected', resumed }
        } else if (event.event === 'transition')
          yield { kind: 'transition', transition: readBody('transitionEvent', JSON.parse(event.data)) }
        else if (event.event === 'dropped') end = { kind: 'closed', reason: `The service closed it: ${event.data}` }
      }
      return end
    } finally {
      inactivity.dispose()
    }
  }

  return reconnect<TransitionFeedEvent>({
    connect,
    recover: (error) => ({ kind: 'closed', reason: retryableFailure(error).message }),
    signal,
    delay,
  })
}
