import { expect, test } from 'vitest'
import { parseNdjson } from '../../src/client/ndjson.ts'
import { decodeBytes, encodeBytes } from '../../src/client/bytes.ts'
import { collect } from './collect.ts'

test('lines are parsed however the stream is chunked, and an unfinished last line is dropped', async () => {
  const bytes = Buffer.from('{"a":"ä€"}\n\n{"a":2}\r\n{"a":"\\n"}\n{"a":')
  for (const length of [1, 2, 3, 1000]) {
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        for (let begin = 0; begin < bytes.length; begin += length)
          controller.enqueue(bytes.subarray(begin, begin + length))
        controller.close()
      },
    })
    expect(await collect(parseNdjson(body))).toEqual([{ a: 'ä€' }, null, { a: 2 }, { a: '\n' }])
  }
})

test('bytes survive their encoding in JSON', () => {
  const all = Uint8Array.from({ length: 100_000 }, (_, at) => (at * 31) % 256)
  expect(encodeBytes(all)).toMatchObject({ encoding: 'base64' })
  for (const bytes of [all, new TextEncoder().encode('\ufeffä€\0\n'), new Uint8Array()])
    expect(Buffer.from(decodeBytes(JSON.parse(JSON.stringify(encodeBytes(bytes)))))).toEqual(Buffer.from(bytes))
})
