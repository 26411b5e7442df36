import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { beforeEach, describe, expect, it } from 'vitest'
import type { Files } from '../../src/provider/inside.ts'
import type { Subject } from '../../src/workspace/subject.ts'
import { type Bench, unhurried, valueOf } from './bench.ts'
import {
  bytesOf,
  cutOff,
  faultIn,
  flood,
  granted,
  hostileNames,
  refusedOf,
  sharedWorkspace,
  textOf,
  told,
} from './inside-bench.ts'

type How = Parameters<Files['write']>[3]
const whole: How = { append: false, mode: null }
const onto: How = { append: true, mode: null }

/** Files of a running workspace, one at a time. */
export function filesContract(make: () => Promise<Bench>): void {
  let bench: Bench
  let subject: Subject
  let files: Files
  const enter = sharedWorkspace(make)
  beforeEach(async () => {
    ;({ bench, subject } = await enter())
    files = bench.provider.inside.files
  })

  const sh = (script: string, ...args: string[]) => told(bench.provider, subject, script, ...args)
  const put = (path: string, text: string, how = whole) => files.write(subject, path, textOf(text), how, unhurried())
  const stat = (path: string) => files.stat(subject, path, unhurried())
  const read = (path: string) => files.read(subject, path, unhurried())
  const textAt = async (path: string) => (await bytesOf(granted(await read(path)).bytes)).toString()
  const namesIn = async (path: string) =>
    granted(await files.list(subject, path, unhurried()))
      .map(({ name }) => name)
      .toSorted()
  const move = (from: string, to: string) => files.move(subject, from, to, unhurried())
  const remove = (path: string, recursive = false) => files.remove(subject, path, recursive, unhurried())
  const makeDirectory = (path: string) => files.makeDirectory(subject, path, unhurried())

  describe('files inside', () => {
    it('a file is read as it was written, byte for byte, whatever bytes they are', async () => {
      const bytes = Buffer.from(Array.from({ length: 70_000 }, (_, at) => (at * 7 + (at >> 8)) % 256))
      granted(await files.write(subject, 'all bytes', Readable.from([bytes]), whole, unhurried()))
      expect((await bytesOf(granted(await read('all bytes')).bytes)).equals(bytes)).toBe(true)
      granted(await put('empty', ''))
      const empty = granted(await read('empty'))
      expect(empty.entry).toMatchObject({ name: 'empty', kind: 'file', bytes: 0 })
      expect((await bytesOf(empty.bytes)).length).toBe(0)
    })

    it('files are written, seen, moved, read and removed under whatever name', async () => {
      granted(await makeDirectory('in'))
      for (const name of hostileNames) granted(await put(`in/${name}`, `${name} `))
      expect(await namesIn('in')).toEqual(hostileNames.toSorted())
      const all = await sh('cd in; for name; do cat "./$name"; done', ...hostileNames)
      expect(all).toBe(hostileNames.map((name) => `${name} `).join(''))
      for (const name of hostileNames) {
        const bytes = Buffer.byteLength(name) + 1
        expect(granted(await stat(`in/${name}`))).toMatchObject({ name, kind: 'file', bytes })
        granted(await move(`in/${name}`, name))
        granted(await put(name, 'and more', onto))
        expect(await textAt(name)).toBe(`${name} and more`)
        granted(await remove(name))
      }
      expect(await sh('ls -A . in')).toBe('.:\nin\n\nin:\n')
    })

    it('directories are made, filled, listed and removed under whatever name', async () => {
      for (const name of hostileNames) {
        granted(await makeDirectory(name))
        granted(await put(`${name}/file`, ''))
        expect(await namesIn(name)).toEqual(['file'])
        granted(await remove(name, true))
      }
      expect(await sh('ls -A')).toBe('')
    })

    it('what is there is told: file, directory, link or something else, its size, bits, time and target', async () => {
      await sh(
        'printf 12345 > f; chmod 640 f; touch -d "2021-02-03 04:05:06" f; mkdir d; chmod 751 d; ln -s "d/../f" l; mkfifo p',
      )
      const at = (await sh('date -r f +%s')).trim()
      const f = { name: 'f', kind: 'file', bytes: 5, mode: 0o640, modifiedAt: Number(at) * 1000, target: null }
      expect(granted(await stat('f'))).toEqual(f)
      expect(granted(await stat('d'))).toMatchObject({ name: 'd', kind: 'directory', mode: 0o751, target: null })
      expect(granted(await stat('l'))).toMatchObject({ name: 'l', kind: 'link', target: 'd/../f' })
      expect(granted(await stat('p'))).toMatchObject({ name: 'p', kind: 'other' })
      expect(granted(await stat('.')).kind).toBe('directory')
      const listed = granted(await files.list(subject, '.', unhurried()))
      expect(listed.toSorted((a, b) => (a.name < b.name ? -1 : 1))).toMatchObject([
        { name: 'd', kind: 'directory', mode: 0o751, target: null },
        f,
        { name: 'l', kind: 'link', target: null },
        { name: 'p', kind: 'other', target: null },
      ])
      expect(refusedOf(await read('p'))).toBe('not-a-file')
      expect(granted(await files.list(subject, 'd', unhurried()))).toEqual([])
    })

    it('a file that is written anew keeps its bits, a new one has 644, and those that are asked for are set', async () => {
      await sh('echo old > old; chmod 751 old; umask 077')
      granted(await put('old', 'new'))
      granted(await put('new', 'new'))
      granted(await put('asked', 'new', { append: false, mode: 0o600 }))
      expect([granted(await stat('old')).mode, granted(await stat('new')).mode]).toEqual([0o751, 0o644])
      expect(granted(await stat('asked')).mode).toBe(0o600)
      granted(await put('old', '!', onto))
      expect([await textAt('old'), granted(await stat('old')).mode]).toEqual(['new!', 0o751])
      granted(await put('appended', 'begun', onto))
      expect([await textAt('appended'), granted(await stat('appended')).mode]).toEqual(['begun', 0o644])
    })

    it('a source that is cut off changes nothing and leaves nothing behind', async () => {
      granted(await put('old', 'stands'))
      const half = Buffer.alloc(300_000, 'x')
      for (const how of [whole, onto])
        for (const path of ['old', 'new']) faultIn(await files.write(subject, path, cutOff(half), how, unhurried()))
      expect(await textAt('old')).toBe('stands')
      expect(await sh('ls -A')).toBe('old\n')
    })

    it('a write that is aborted settles, and the old file stands', async () => {
      granted(await put('old', 'stands'))
      const leaving = new AbortController()
      const endless = new Readable({ read: () => undefined })
      endless.push('half')
      const writing = files.write(subject, 'old', endless, whole, leaving.signal)
      // What has come already is on its way to a file somewhere.
      await new Promise((resolve) => setImmediate(resolve))
      leaving.abort()
      faultIn(await writing)
      expect(await textAt('old')).toBe('stands')
      expect(await sh('ls -A')).toBe('old\n')
    })

    it('a big file comes through whole, both ways', async () => {
      const { source, checksum } = flood(64 * 1024 * 1024)
      granted(await files.write(subject, 'big', source, whole, unhurried()))
      const sent = checksum()
      expect((await sh('sha256sum big')).split(' ')[0]).toBe(sent)
      const hash = createHash('sha256')
      const { entry, bytes } = granted(await read('big'))
      expect(entry.bytes).toBe(64 * 1024 * 1024)
      for await (const piece of bytes) hash.update(Buffer.from(piece))
      expect(hash.digest('hex')).toBe(sent)
    })

    it('a read that is aborted fails', async () => {
      granted(await files.write(subject, 'big', flood(16 * 1024 * 1024).source, whole, unhurried()))
      const leaving = new AbortController()
      const { bytes } = granted(await files.read(subject, 'big', leaving.signal))
      await bytes[Symbol.asyncIterator]().next()
      leaving.abort()
      await expect(bytesOf(bytes)).rejects.toThrow()
    })

    it('a path that leads nowhere, or to the wrong thing, is refused for what it is', async () => {
      await sh('echo f > f; mkdir d; echo x > d/x; ln -s nowhere dangling')
      expect(refusedOf(await stat('no'))).toBe('not-found')
      expect(refusedOf(await read('no'))).toBe('not-found')
      expect(refusedOf(await read('no/deeper'))).toBe('not-found')
      expect(refusedOf(await read('dangling'))).toBe('not-found')
      expect(refusedOf(await read('d'))).toBe('not-a-file')
      expect(refusedOf(await read('f/deeper'))).toBe('not-a-directory')
      expect(refusedOf(await files.list(subject, 'f', unhurried()))).toBe('not-a-directory')
      expect(refusedOf(await files.list(subject, 'no', unhurried()))).toBe('not-found')
      expect(refusedOf(await put('d', 'x'))).toBe('not-a-file')
      expect(refusedOf(await put('no/f', 'x'))).toBe('not-found')
      expect(refusedOf(await put('f/f', 'x'))).toBe('not-a-directory')
      expect(refusedOf(await makeDirectory('f'))).toBe('exists')
      expect(refusedOf(await makeDirectory('f/d'))).toBe('not-a-directory')
      expect(refusedOf(await move('no', 'other'))).toBe('not-found')
      expect(refusedOf(await move('f', 'no/f'))).toBe('not-found')
      expect(refusedOf(await move('f', 'd'))).toBe('exists')
      expect(refusedOf(await remove('no'))).toBe('not-found')
      expect(refusedOf(await remove('d'))).toBe('not-empty')
      expect(refusedOf(await remove('.', true))).toBe('denied')
      expect(await sh('cat f d/x')).toBe('f\nx\n')
    })

    it('directories are made with those above them, moved with what is in them, and removed when asked to', async () => {
      granted(await makeDirectory('a/b/c'))
      granted(await makeDirectory('a/b/c'))
      granted(await makeDirectory('.'))
      granted(await put('a/b/c/f', 'f'))
      granted(await move('a/b', 'moved'))
      expect(await textAt('moved/c/f')).toBe('f')
      await sh('mkdir there; echo old > old; ln -s moved link')
      expect(refusedOf(await move('moved', 'there'))).toBe('exists')
      granted(await move('moved/c/f', 'old'))
      expect(await textAt('old')).toBe('f')
      granted(await remove('there'))
      granted(await remove('link', true))
      expect(await sh('ls -A . moved')).toBe('.:\na\nmoved\nold\n\nmoved:\nc\n')
      granted(await remove('moved', true))
      expect(await namesIn('.')).toEqual(['a', 'old'])
    })

    it('a link inside the workspace is followed, and is still a link after a write through it', async () => {
      await sh(
        'mkdir -p real/deep; echo f > real/deep/f; ln -s real/deep way; ln -s ../way/f real/hop; ln -s real/new fresh',
      )
      expect(await textAt('way/f')).toBe('f\n')
      expect(await textAt('real/hop')).toBe('f\n')
      expect(await namesIn('way')).toEqual(['f'])
      granted(await put('real/hop', 'written'))
      granted(await put('way/g', 'g'))
      granted(await put('fresh', 'fresh'))
      granted(await makeDirectory('way/sub/sub'))
      expect(
        await sh('cat real/deep/f real/deep/g real/new; readlink real/hop; readlink fresh; ls real/deep/sub'),
      ).toBe('writtengfresh../way/f\nreal/new\nsub\n')
      granted(await remove('way'))
      expect(await textAt('real/deep/f')).toBe('written')
    })

    it('a workspace that does not run is a fault that says so', async () => {
      valueOf(await bench.provider.halt(subject, unhurried()))
      expect(faultIn(await stat('.')).again).toBe('gone')
      expect(faultIn(await put('f', 'x')).again).toBe('gone')
    })
  })
}
