import { describe, expect, it } from 'vitest'
import { keptOutput } from '../../src/access/kept-output.ts'
import { outputLine } from '../../src/access/output-line.ts'
import type { OutputReader } from '../../src/access/output-readers.ts'
import { outputReaders } from '../../src/access/output-readers.ts'
import { wholeCharacters } from '../../src/access/whole-characters.ts'
import { chance } from '../chance.ts'

const limits = { bytes: 100, lines: 20, lineBytes: 10 }

function opened(patienceMs: number) {
  const output = keptOutput(limits)
  return { output, readers: outputReaders(output, patienceMs) }
}

function reader({ readers }: ReturnType<typeof opened>, after: number | null = null): OutputReader {
  const attached = readers.attach({ after, follow: true }, () => {})
  if (attached.kind !== 'attached') throw new Error(attached.kind)
  return attached.reader
}

function all(from: OutputReader): unknown[] {
  const line = from.read()
  return line ? [JSON.parse(Buffer.from(line, 'latin1').toString()), ...all(from)] : []
}

describe('the output that is kept', () => {
  it('grows its newest line until somebody has read it', () => {
    const run = opened(0)
    const first = reader(run)
    for (const text of ['a', 'b']) run.output.add('stdout', Buffer.from(text))
    expect(all(first)).toEqual([{ seq: 1, stream: 'stdout', data: 'ab' }])
    run.output.add('stdout', Buffer.from('c'))
    run.output.add('stderr', Buffer.from('d'))
    expect(all(first).map((line) => line)).toEqual([
      { seq: 2, stream: 'stdout', data: 'c' },
      { seq: 3, stream: 'stderr', data: 'd' },
    ])
    expect(all(reader(run, 1))).toHaveLength(2)
  })

  it('is bounded for a command that writes single bytes to two streams, which cannot be put together', async () => {
    const run = opened(0)
    for (let n = 0; n < 1000; n += 1) {
      run.output.add(n % 2 === 0 ? 'stdout' : 'stderr', Buffer.from('x'))
      await run.readers.makeRoom()
    }
    expect(all(reader(run)).slice(0, 2)).toMatchObject([{ seq: 980, dropped_bytes: 980 }, { seq: 981 }])
  })

  it('drops nothing that a reader has still to read, until he has held it up for too long', async () => {
    const run = opened(30_000)
    const slow = reader(run)
    for (let n = 0; n < 11; n += 1) run.output.add('stdout', Buffer.alloc(10, 'x'))
    const room = run.readers.makeRoom()
    expect(run.output.isFull()).toBe(true)
    slow.read()
    await room
    expect([run.output.isFull(), run.output.oldest()]).toEqual([false, 2])
    expect(all(slow)).toHaveLength(10)
  })

  it('lets a reader who lagged too long go on after what he has missed', async () => {
    const run = opened(1)
    const slow = reader(run)
    slow.read()
    for (let n = 0; n < 15; n += 1) {
      run.output.add('stdout', Buffer.alloc(10, 'x'))
      await run.readers.makeRoom()
    }
    const lines = all(slow)
    expect(lines[0]).toEqual({ seq: 5, dropped_bytes: 50 })
    expect(lines).toHaveLength(11)
  })
})

describe('a line of output', () => {
  it('is text where it can be, and base64 where it cannot or would be far longer', () => {
    const encodingOf = (bytes: Buffer) => /"encoding":"(\w+)"/.exec(outputLine(1, 'stdout', bytes))?.[1]
    expect(encodingOf(Buffer.from('ä "quoted"\n\u001b[1m \u2028'))).toBeUndefined()
    expect(encodingOf(Buffer.from([0xff]))).toBe('base64')
    expect(encodingOf(Buffer.alloc(1000, 1))).toBe('base64')
  })

  it('never ends within a character, wherever the bytes were cut, and loses none of them', () => {
    const { between } = chance(7)
    const text = Buffer.from('aäö€𝄞\u0000z'.repeat(40))
    for (let round = 0; round < 200; round += 1) {
      const cut = wholeCharacters(16)
      const pieces: Buffer[] = []
      for (let at = 0; at < text.length; ) {
        const next = at + between(1, 40)
        pieces.push(...cut.push(text.subarray(at, next)))
        at = next
      }
      pieces.push(...cut.rest())
      expect(Buffer.concat(pieces).equals(text)).toBe(true)
      for (const piece of pieces) expect(Buffer.from(piece.toString('utf8')).equals(piece)).toBe(true)
      expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThanOrEqual(16)
    }
  })
})
