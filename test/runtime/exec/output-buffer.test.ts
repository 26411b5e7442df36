import { describe, expect, it } from 'vitest'
import { outputBuffer } from '../../../src/runtime/exec/output-buffer.ts'
import { formatOutputLine } from '../../../src/runtime/exec/output-line.ts'
import type { OutputReader } from '../../../src/runtime/exec/output-readers.ts'
import { outputReaders } from '../../../src/runtime/exec/output-readers.ts'
import { utf8Chunker } from '../../../src/runtime/exec/utf8-chunker.ts'
import { seededRandom } from '../../seeded-random.ts'
import { simulatedClock } from '../../supervisor/simulated-clock.ts'

const limits = { maxBytes: 100, maxLines: 20, maxLineBytes: 10 }

function openBuffer(stallTimeoutMs: number) {
  const clock = simulatedClock()
  const output = outputBuffer(limits)
  return { clock, output, readers: outputReaders(output, clock, stallTimeoutMs) }
}

function attachReader({ readers }: ReturnType<typeof openBuffer>, after: number | null = null): OutputReader {
  const result = readers.attach({ after, follow: true }, () => {})
  if (result.kind !== 'attached') throw new Error(result.kind)
  return result.reader
}

function readAll(reader: OutputReader): unknown[] {
  const line = reader.read()
  return line ? [JSON.parse(Buffer.from(line, 'latin1').toString()), ...readAll(reader)] : []
}

describe('buffered output', () => {
  it('grows its newest line until it is first read', () => {
    const buffer = openBuffer(0)
    const first = attachReader(buffer)
    for (const text of ['a', 'b']) buffer.output.append('stdout', Buffer.from(text))
    expect(readAll(first)).toEqual([{ seq: 1, stream: 'stdout', data: 'ab' }])
    buffer.output.append('stdout', Buffer.from('c'))
    buffer.output.append('stderr', Buffer.from('d'))
    expect(readAll(first).map((line) => line)).toEqual([
      { seq: 2, stream: 'stdout', data: 'c' },
      { seq: 3, stream: 'stderr', data: 'd' },
    ])
    expect(readAll(attachReader(buffer, 1))).toHaveLength(2)
  })

  it('is bounded for a command that alternates single bytes between two streams, which cannot be merged', async () => {
    const buffer = openBuffer(0)
    for (let n = 0; n < 1000; n += 1) {
      buffer.output.append(n % 2 === 0 ? 'stdout' : 'stderr', Buffer.from('x'))
      await buffer.readers.makeRoom()
    }
    expect(readAll(attachReader(buffer)).slice(0, 2)).toMatchObject([{ seq: 980, dropped_bytes: 980 }, { seq: 981 }])
  })

  it('drops no unread line of a reader until the reader has stalled', async () => {
    const buffer = openBuffer(30_000)
    const slow = attachReader(buffer)
    for (let n = 0; n < 11; n += 1) buffer.output.append('stdout', Buffer.alloc(10, 'x'))
    const room = buffer.readers.makeRoom()
    expect(buffer.output.isFull()).toBe(true)
    slow.read()
    await room
    expect([buffer.output.isFull(), buffer.output.oldestSeq()]).toEqual([false, 2])
    expect(readAll(slow)).toHaveLength(10)
  })

  it('lets a stalled reader continue after the lines that it missed', async () => {
    const buffer = openBuffer(1)
    const slow = attachReader(buffer)
    slow.read()
    for (let n = 0; n < 15; n += 1) {
      buffer.output.append('stdout', Buffer.alloc(10, 'x'))
      const room = buffer.readers.makeRoom()
      await buffer.clock.advance(1)
      await room
    }
    const lines = readAll(slow)
    expect(lines[0]).toEqual({ seq: 5, dropped_bytes: 50 })
    expect(lines).toHaveLength(11)
  })
})

describe('a line of output', () => {
  it('is text if possible, and base64 if it is not UTF-8 or would be far longer', () => {
    const encodingOf = (bytes: Buffer) => /"encoding":"(\w+)"/.exec(formatOutputLine(1, 'stdout', bytes))?.[1]
    expect(encodingOf(Buffer.from('ä "quoted"\n\u001b[1m \u2028'))).toBeUndefined()
    expect(encodingOf(Buffer.from([0xff]))).toBe('base64')
    expect(encodingOf(Buffer.alloc(1000, 1))).toBe('base64')
  })

  it('never ends within a character, wherever the bytes were split, and loses none of them', () => {
    const { integer } = seededRandom(7)
    const text = Buffer.from('aäö€𝄞\u0000z'.repeat(40))
    for (let round = 0; round < 200; round += 1) {
      const cut = utf8Chunker(16)
      const chunks: Buffer[] = []
      for (let at = 0; at < text.length; ) {
        const next = at + integer(1, 40)
        chunks.push(...cut.push(text.subarray(at, next)))
        at = next
      }
      chunks.push(...cut.flush())
      expect(Buffer.concat(chunks).equals(text)).toBe(true)
      for (const chunk of chunks) expect(Buffer.from(chunk.toString('utf8')).equals(chunk)).toBe(true)
      expect(Math.max(...chunks.map(({ length }) => length))).toBeLessThanOrEqual(16)
    }
  })
})
