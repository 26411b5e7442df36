import { expect, test } from 'vitest'
import { parseServerSentEvents } from '../../src/client/server-sent-events.ts'
import type { TransitionFeedEvent } from '../../src/client/event-feed.ts'
import { followEventFeed } from '../../src/client/event-feed.ts'
import { bodyReader } from '../../src/client/response-body.ts'
import { collect } from './collect.ts'

/** A response that sends these chunks and then fails or ends. */
function responseOf(chunks: readonly string[], ending: 'fails' | 'ends' = 'ends'): Response {
  const bytes = chunks.map((chunk) => new TextEncoder().encode(chunk))
  return new Response(
    new ReadableStream({
      pull(controller) {
        const next = bytes.shift()
        if (next) controller.enqueue(next)
        else if (ending === 'fails') controller.error(new Error('reset'))
        else controller.close()
      },
    }),
  )
}

const ready = (id: number) => `id: ${id}\nevent: ready\ndata: {}\n\n`
const transition = (id: number) => `id: ${id}\nevent: transition\ndata: {"seq":${id}}\n\n`

/** Follows a feed that is answered with these responses, until the last one is used up. */
async function followResponses(responses: readonly Response[], after: string | null = null) {
  const requestedIds: (string | null)[] = []
  const events: TransitionFeedEvent[] = []
  const finished = new AbortController()
  const remaining = [...responses]
  const open = async (last: string | null) => {
    const next = remaining.shift()
    if (!next) {
      finished.abort()
      throw new Error('no more')
    }
    requestedIds.push(last)
    return next
  }
  for await (const event of followEventFeed({
    open,
    readBody: bodyReader(undefined),
    after,
    signal: finished.signal,
    delay: async () => {},
  }))
    events.push(event)
  return {
    requestedIds,
    events: events.map((event) =>
      event.kind === 'transition'
        ? event.transition.seq
        : event.kind === 'connected'
          ? `connected, resumed: ${event.resumed}`
          : event.kind,
    ),
  }
}

test('events are parsed however the stream is chunked, and an unfinished one is dropped', async () => {
  const text = `${ready(1)}: \n\n${transition(2).replaceAll('\n', '\r\n')}id: 3\ndata: ä\ndata: b\n\nid: 4\ndata: cut`
  for (const length of [1, 2, 7, 1000]) {
    const bytes = Buffer.from(text)
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        for (let begin = 0; begin < bytes.length; begin += length)
          controller.enqueue(bytes.subarray(begin, begin + length))
        controller.close()
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

test('a feed that fails is reopened after its last event', async () => {
  const first = responseOf([ready(5), transition(6), transition(7)], 'fails')
  expect(await followResponses([first, responseOf([ready(7), transition(8)])])).toEqual({
    requestedIds: [null, '7'],
    events: ['connected, resumed: false', 6, 7, 'disconnected', 'connected, resumed: true', 8, 'disconnected'],
  })
})

test('a feed restarts when the service no longer knows the last event, and reports the gap', async () => {
  const unknown = new Response('{"error":"unknown event","code":"invalid"}', { status: 400 })
  expect(await followResponses([unknown, responseOf([ready(1), transition(2)])], '99')).toEqual({
    requestedIds: ['99', null],
    events: ['connected, resumed: false', 2, 'disconnected'],
  })
})

test('an unavailable service is retried', async () => {
  const unavailable = new Response('{"error":"The service is ending.","code":"shutting-down"}', { status: 503 })
  expect(await followResponses([unavailable, responseOf([ready(1)])])).toEqual({
    requestedIds: [null, null],
    events: ['disconnected', 'connected, resumed: false', 'disconnected'],
  })
})

test('a refused caller is not retried', async () => {
  const refused = new Response('{"error":"Authentication required.","code":"unauthenticated"}', { status: 401 })
  await expect(followResponses([refused, responseOf([ready(1)])])).rejects.toMatchObject({
    status: 401,
    code: 'unauthenticated',
    message: 'Authentication required.',
  })
})
