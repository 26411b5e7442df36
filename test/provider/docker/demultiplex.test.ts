import { describe, expect, it } from 'vitest'
import { demultiplex } from '../../../src/provider/docker/engine/demultiplex.ts'
import { scriptRefusal } from '../../../src/provider/docker/guest/files/script-refusal.ts'
import { parseListOutput, parseStatOutput } from '../../../src/provider/docker/guest/files/file-entry.ts'

function frame(stream: number, text: string): Buffer {
  const header = Buffer.from([stream, 0, 0, 0, 0, 0, 0, 0])
  header.writeUInt32BE(text.length, 4)
  return Buffer.concat([header, Buffer.from(text, 'latin1')])
}

describe("The engine's frames", () => {
  it('come apart the same, wherever the connection cuts them', () => {
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
      const take = demultiplex((stream, part, begins) => {
        if (begins) chunks.push(`${stream}:`)
        chunks.push(`${chunks.pop() ?? ''}${part.toString('latin1')}`)
      })
      for (let at = 0; at < bytes.length; at += size) take(bytes.subarray(at, at + size))
      expect(chunks).toEqual(['stdout:out', 'stderr:err\n', 'stdout:\u0001\0\0\0\0\0\0\u0003', 'stderr:x'])
    }
  })

  it('are told as parts of what came, not as copies', () => {
    const bytes = frame(1, 'x'.repeat(100_000))
    demultiplex((_stream, part) => expect(part.buffer).toBe(bytes.buffer))(bytes)
  })
})

describe('What stat writes of files in a container', () => {
  it('is told apart whatever is in a name', () => {
    const oddNames = 'new\n/41ed 1 2 ./line'.replace('/', '|')
    const list = parseListOutput(`/81a4 5 1700000000 ./a b\n/41ed 4096 -1 ./${oddNames}\n/a1ff 3 7 ./end\n\n`)
    expect(list.map(({ name, kind, modifiedAt }) => [name, kind, modifiedAt])).toEqual([
      ['a b', 'file', 1_700_000_000_000],
      [oddNames, 'directory', -1000],
      ['end\n', 'link', 7000],
    ])
    expect(parseListOutput('')).toEqual([])
  })

  it('ends with where a link leads', () => {
    const link = { kind: 'link', mode: 0o777, target: 'to\n' }
    expect(parseStatOutput('/w/l', 'a1ff 3 7\nto\n\n')).toMatchObject({ ...link, name: 'l' })
    expect(parseStatOutput('/w/s', 'c1ed 0 7\n')).toMatchObject({ kind: 'other', mode: 0o755, target: null })
  })
})

describe('A script about a file that fails', () => {
  const exited = (code: number, stderr = '') => scriptRefusal({ kind: 'exited', code }, stderr, 'a/f')

  it('in an image without a tool names the tool', () => {
    for (const [code, words] of [
      [69, 'tar is missing'],
      [127, 'sh: 1: stat: not found'],
    ] as const)
      expect(exited(code, `${words}\n`)).toMatchObject({
        refused: 'impossible',
        message: expect.stringContaining(words),
      })
  })

  it('is a refusal whose words glibc and musl have in common, or a fault with its last line', () => {
    const refusalFor = (words: string) => Reflect.get(exited(1, `x: can't open 'a/f': ${words}\n`), 'refused')
    expect(refusalFor('No such file or directory')).toBe('not-found')
    expect(refusalFor('Symbolic link loop')).toBe('not-found')
    expect(refusalFor('Not a directory')).toBe('not-a-directory')
    expect(refusalFor('Read-only file system')).toBe('denied')
    expect(refusalFor('No space left on device')).toBe('no-space')
    expect(refusalFor('Disk quota exceeded')).toBe('no-space')
    expect(refusalFor('Filename too long')).toBe('impossible')
    expect(exited(2, 'first\ntar: invalid magic\n')).toMatchObject({
      fault: { kind: 'transient', message: expect.stringContaining('tar: invalid magic') },
    })
  })
})
