import { get } from 'node:http'
import type { ClientRequest } from 'node:http'
import { z } from 'zod'
import { transitionEventSchema, type TransitionEvent } from '../../src/wire/event.ts'

/** An operator who follows the event feed from the start, across restarts of the service. */
export interface EventSubscriber {
  /** All events received, in order of arrival. */
  readonly events: readonly TransitionEvent[]
  /** Continues at the service at `url`, after the last event received. */
  subscribe(url: string): void
  close(): void
}

export function eventSubscriber(user: string): EventSubscriber {
  const events: TransitionEvent[] = []
  let currentRequest: ClientRequest | undefined

  function handleBlock(text: string) {
    const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(text)?.[1] ?? ''
    if (field('event') === 'transition')
      events.push(
        transitionEventSchema.and(z.object({ seq: z.literal(Number(field('id'))) })).parse(JSON.parse(field('data'))),
      )
  }

  return {
    events,
    subscribe(url) {
      currentRequest?.destroy()
      const headers = { 'x-user': user, 'last-event-id': String(events.at(-1)?.seq ?? 0) }
      const request = get(`${url}/api/v1/events`, { headers, agent: false }, (response) => {
        let buffered = ''
        response.setEncoding('utf8').on('data', (chunk: string) => {
          if (currentRequest !== request) return // from an earlier service
          const parts = (buffered + chunk).split('\n\n')
          buffered = parts.pop() ?? ''
          parts.forEach(handleBlock)
        })
        response.on('error', () => {}) // the service was killed; the next subscribe continues
      })
      request.on('error', () => {})
      currentRequest = request
    },
    close: () => void currentRequest?.destroy(),
  }
}
