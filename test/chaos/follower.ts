import { get } from 'node:http'
import type { ClientRequest } from 'node:http'
import { z } from 'zod'
import { transitionEvent, type TransitionEvent } from '../../src/wire/event.ts'

/** An operator who follows the feed over all restarts of the service, from its first line on. */
export interface Follower {
  /** What was received, in the order in which it came. */
  readonly events: readonly TransitionEvent[]
  /** Goes on, at the service that listens at `url`, after what was received last. */
  follow(url: string): void
  close(): void
}

export function follower(user: string): Follower {
  const events: TransitionEvent[] = []
  let asked: ClientRequest | undefined

  function hear(text: string) {
    const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(text)?.[1] ?? ''
    if (field('event') === 'transition')
      events.push(
        transitionEvent.and(z.object({ seq: z.literal(Number(field('id'))) })).parse(JSON.parse(field('data'))),
      )
  }

  return {
    events,
    follow(url) {
      asked?.destroy()
      const headers = { 'x-user': user, 'last-event-id': String(events.at(-1)?.seq ?? 0) }
      const own = get(`${url}/api/v1/events`, { headers, agent: false }, (answer) => {
        let rest = ''
        answer.setEncoding('utf8').on('data', (chunk: string) => {
          if (asked !== own) return // of a service that is no more
          const parts = (rest + chunk).split('\n\n')
          rest = parts.pop() ?? ''
          parts.forEach(hear)
        })
        answer.on('error', () => {}) // killed: it is followed again when it is back
      })
      own.on('error', () => {})
      asked = own
    },
    close: () => void asked?.destroy(),
  }
}
