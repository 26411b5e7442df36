import { describe, expect, it } from 'vitest'
import { demultiplex } from '../../../src/provider/docker/engine/demultiplex.ts'
import { scriptRefusal } from '../../../src/provider/docker/guest/files/script-refusal.ts'
import { parseListOutput, parseStatOutput } from '../../../src/provider/docker/guest/files/file-entry.ts'

function frame(stream: number, text: string): Buffer {
  const header = Buffer.from([stream, 0, 0, 0, 0, 0, 0, 0])
  header.writeUInt32BE(text.length, 4)
  return Buffer.concat([header, Buffer.from(text, 'latin1')])
}

describe("The engine's multiplexed stream", () => {
  it('is split into the same payloads wherever its chunks are cut', () => {
    const frames = [
      frame(1, 'out'),
      frame(2, 'err\n'),
      frame(1, ''),
      frame(1, '\u0001\0\0\0\0\0\0\u0003'),
      frame(2, 'x'),
    ]
    const bytes = Buffer.concat(frames)
    for (let size = 1; size <= bytes.length; size += 1) {
      const chunks: string[] = []
      const split = demultiplex((stream, part, startsFrame) => {
        if (startsFrame) chunks.push(`${stream}:`)
        chunks.push(`${chunks.pop() ?? ''}${part.toString('latin1')}`)
      })
      for (let offset = 0; offset < bytes.length; offset += size) split(bytes.subarray(offset, offset + size))
      expect(chunks).toEqual(['stdout:out', 'stderr:err\n', 'stdout:\u0001\0\0\0\0\0\0\u0003', 'stderr:x'])
    }
  })

  it('is passed on as views of its chunks, not as copies', () => {
    const bytes = frame(1, 'x'.repeat(100_000))
    demultiplex((_stream, part) => expect(part.buffer).toBe(bytes.buffer))(bytes)
  })
})

describe('The output of a stat script', () => {
  it('is parsed correctly whatever a file name contains', () => {
    const oddNames = 'new\n/41ed 1 2 ./line'.replace('/', '|')
    const list = parseListOutput(`/81a4 5 1700000000 ./a b\n/41ed 4096 -1 ./${oddNames}\n/a1ff 3 7 ./end\n\n`)
    expect(list.map(({ name, kind, modifiedAt }) => [name, kind, modifiedAt])).toEqual([
      ['a b', 'file', 1_700_000_000_000],
      [oddNames, 'directory', -1000],
      ['end\n', 'link', 7000],
    ])
    expect(parseListOutput('')).toEqual([])
  })

  it("ends with a link's target", () => {
    const link = { kind: 'link', mode: 0o777, target: 'to\n' }
    expect(parseStatOutput('/w/l', 'a1ff 3 7\nto\n\n')).toMatchObject({ ...link, name: 'l' })
    expect(parseStatOutput('/w/s', 'c1ed 0 7\n')).toMatchObject({ kind: 'other', mode: 0o755, target: null })
  })
})

describe('A failed file script', () => {
  const refusalOf = (code: number, stderr = '') => scriptRefusal({ kind: 'exited', code }, stderr, 'a/f')

  it('names the tool that the image lacks', () => {
    for (const [code, message] of [
      [69, 'tar is missing'],
      [127, 'sh: 1: stat: not found'],
    ] as const)
      expect(refusalOf(code, `${message}\n`)).toMatchObject({
        refused: 'impossible',
        message: expect.stringContaining(message),
      })
  })

  it('is a refusal if stderr has a known message of glibc or musl, else a fault with its last line', () => {
    const refusalFor = (message: string) => Reflect.get(refusalOf(1, `x: can't open 'a/f': ${message}\n`), 'refused')
    expect(refusalFor('No such file or directory')).toBe('not-found')
    expect(refusalFor('Symbolic link loop')).toBe('not-found')
    expect(refusalFor('Not a directory')).toBe('not-a-directory')
    expect(refusalFor('Read-only file system')).toBe('denied')
    expect(refusalFor('No space left on device')).toBe('no-space')
    expect(refusalFor('Disk quota exceeded')).toBe('no-space')
    expect(refusalFor('Filename too long')).toBe('impossible')
    expect(refusalOf(2, 'first\ntar: invalid magic\n')).toMatchObject({
      fault: { kind: 'transient', message: expect.stringContaining('tar: invalid magic') },
    })
  })
})
