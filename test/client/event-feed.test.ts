import { expect, test } from 'vitest'
import { parseServerSentEvents } from '../../src/client/server-sent-events.ts'
import type { TransitionFeedEvent } from '../../src/client/event-feed.ts'
import { followEventFeed } from '../../src/client/event-feed.ts'
import { bodyReader } from '../../src/client/response-body.ts'
import { collect } from './collect.ts'

/** An answer that sends these pieces and then breaks, or ends. */
function responseOf(chunks: readonly string[], ending: 'breaks' | 'ends' = 'ends'): Response {
  const bytes = chunks.map((chunk) => new TextEncoder().encode(chunk))
  return new Response(
    new ReadableStream({
      pull(to) {
        const next = bytes.shift()
        if (next) to.enqueue(next)
        else if (ending === 'breaks') to.error(new Error('reset'))
        else to.close()
      },
    }),
  )
}

const ready = (id: number) => `id: ${id}\nevent: ready\ndata: {}\n\n`
const transition = (id: number) => `id: ${id}\nevent: transition\ndata: {"seq":${id}}\n\n`

/** What a follower is told by a service that gives these answers, until the last is used up. */
async function notificationsOf(responses: readonly Response[], after: string | null = null) {
  const requestedIds: (string | null)[] = []
  const notifications: TransitionFeedEvent[] = []
  const end = new AbortController()
  const remaining = [...responses]
  const open = async (last: string | null) => {
    const next = remaining.shift()
    if (!next) {
      end.abort()
      throw new Error('no more')
    }
    requestedIds.push(last)
    return next
  }
  for await (const one of followEventFeed({ open, readBody: bodyReader(undefined), after, signal: end.signal, delay: async () => {} })) notifications.push(one)
  return {
    asked: requestedIds,
    told: notifications.map((one) =>
      one.kind === 'transition'
        ? one.transition.seq
        : one.kind === 'connected'
          ? `connected, resumed: ${one.resumed}`
          : one.kind,
    ),
  }
}

test('events are read whole, whatever pieces they arrive in', async () => {
  const text = `${ready(1)}: \n\n${transition(2).replaceAll('\n', '\r\n')}id: 3\ndata: ä\ndata: b\n\nid: 4\ndata: cut`
  for (const length of [1, 2, 7, 1000]) {
    const bytes = Buffer.from(text)
    const body = new ReadableStream<Uint8Array>({
      start(to) {
        for (let begin = 0; begin < bytes.length; begin += length) to.enqueue(bytes.subarray(begin, begin + length))
        to.close()
      },
    })
    expect(await collect(parseServerSentEvents(body))).toEqual([
      { id: '1', event: 'ready', data: '{}' },
      null,
      { id: '2', event: 'transition', data: '{"seq":2}' },
      { id: '3', event: 'message', data: 'ä\nb' },
    ])
  }
})

test('a feed that breaks is opened again after the last event that was seen', async () => {
  const first = responseOf([ready(5), transition(6), transition(7)], 'breaks')
  expect(await notificationsOf([first, responseOf([ready(7), transition(8)])])).toEqual({
    asked: [null, '7'],
    told: ['connected, resumed: false', 6, 7, 'disconnected', 'connected, resumed: true', 8, 'disconnected'],
  })
})

test('a feed that does not know the place any more begins anew, and says that it did', async () => {
  const unknown = new Response('{"error":"none that this feed had","code":"invalid"}', { status: 400 })
  expect(await notificationsOf([unknown, responseOf([ready(1), transition(2)])], '99')).toEqual({
    asked: ['99', null],
    told: ['connected, resumed: false', 2, 'disconnected'],
  })
})

test('a service that is away for a while is asked again', async () => {
  const away = new Response('{"error":"The service is ending.","code":"shutting-down"}', { status: 503 })
  expect(await notificationsOf([away, responseOf([ready(1)])])).toEqual({
    asked: [null, null],
    told: ['disconnected', 'connected, resumed: false', 'disconnected'],
  })
})

test('a service that does not know who asks is not asked again', async () => {
  const refused = new Response('{"error":"Who are you?","code":"unauthenticated"}', { status: 401 })
  await expect(notificationsOf([refused, responseOf([ready(1)])])).rejects.toMatchObject({
    status: 401,
    code: 'unauthenticated',
    message: 'Who are you?',
  })
})
