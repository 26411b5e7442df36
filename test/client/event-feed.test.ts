import { expect, test } from 'vitest'
import { sentEvents } from '../../src/client/event-lines.ts'
import type { Told } from '../../src/client/event-feed.ts'
import { followed } from '../../src/client/event-feed.ts'
import { allOf } from './all-of.ts'

/** An answer that sends these pieces and then breaks, or ends. */
function answerOf(pieces: readonly string[], how: 'breaks' | 'ends' = 'ends'): Response {
  const bytes = pieces.map((piece) => new TextEncoder().encode(piece))
  return new Response(
    new ReadableStream({
      pull(to) {
        const next = bytes.shift()
        if (next) to.enqueue(next)
        else if (how === 'breaks') to.error(new Error('reset'))
        else to.close()
      },
    }),
  )
}

const ready = (id: number) => `id: ${id}\nevent: ready\ndata: {}\n\n`
const transition = (id: number) => `id: ${id}\nevent: transition\ndata: {"seq":${id}}\n\n`

/** What a follower is told by a service that gives these answers, until the last is used up. */
async function toldBy(answers: readonly Response[], after: string | null = null) {
  const asked: (string | null)[] = []
  const told: Told[] = []
  const end = new AbortController()
  const left = [...answers]
  const open = async (last: string | null) => {
    const next = left.shift()
    if (!next) {
      end.abort()
      throw new Error('no more')
    }
    asked.push(last)
    return next
  }
  for await (const one of followed(open, after, end.signal)) told.push(one)
  return {
    asked,
    told: told.map((one) =>
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
    expect(await allOf(sentEvents(body))).toEqual([
      { id: '1', event: 'ready', data: '{}' },
      null,
      { id: '2', event: 'transition', data: '{"seq":2}' },
      { id: '3', event: 'message', data: 'ä\nb' },
    ])
  }
})

test('a feed that breaks is opened again after the last event that was seen', async () => {
  const first = answerOf([ready(5), transition(6), transition(7)], 'breaks')
  expect(await toldBy([first, answerOf([ready(7), transition(8)])])).toEqual({
    asked: [null, '7'],
    told: ['connected, resumed: false', 6, 7, 'lost', 'connected, resumed: true', 8, 'lost'],
  })
})

test('a feed that does not know the place any more begins anew, and says that it did', async () => {
  const unknown = new Response('{"error":"none that this feed had","code":"invalid"}', { status: 400 })
  expect(await toldBy([unknown, answerOf([ready(1), transition(2)])], '99')).toEqual({
    asked: ['99', null],
    told: ['connected, resumed: false', 2, 'lost'],
  })
})

test('a service that is away for a while is asked again', async () => {
  const away = new Response('{"error":"The service is ending.","code":"shutting-down"}', { status: 503 })
  expect(await toldBy([away, answerOf([ready(1)])])).toEqual({
    asked: [null, null],
    told: ['lost', 'connected, resumed: false', 'lost'],
  })
})

test('a service that does not know who asks is not asked again', async () => {
  const refused = new Response('{"error":"Who are you?","code":"unauthenticated"}', { status: 401 })
  await expect(toldBy([refused, answerOf([ready(1)])])).rejects.toMatchObject({
    status: 401,
    code: 'unauthenticated',
    message: 'Who are you?',
  })
})
