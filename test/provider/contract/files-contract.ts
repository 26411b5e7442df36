import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { beforeEach, describe, expect, it } from 'vitest'
import type { GuestFiles } from '../../../src/provider/guest.ts'
import type { WorkspaceRef } from '../../../src/workspace/workspace-ref.ts'
import { type ProviderFixture, neverAborted, valueOf } from './provider-fixture.ts'
import {
  readBytes,
  truncatedSource,
  fileFaultOf,
  largeSource,
  fileValueOf,
  hostileNames,
  refusalOf,
  sharedWorkspace,
  textSource,
  runScript,
} from './guest-fixture.ts'

type WriteOptions = Parameters<GuestFiles['write']>[3]
const replacing: WriteOptions = { append: false, mode: null }
const appending: WriteOptions = { append: true, mode: null }

/** Files of a running workspace, one at a time. */
export function filesContract(createFixture: () => Promise<ProviderFixture>): void {
  let fixture: ProviderFixture
  let workspace: WorkspaceRef
  let files: GuestFiles
  const openWorkspace = sharedWorkspace(createFixture)
  beforeEach(async () => {
    ;({ fixture, workspace } = await openWorkspace())
    files = fixture.provider.guest.files
  })

  const runShell = (script: string, ...args: string[]) => runScript(fixture.provider, workspace, script, ...args)
  const put = (path: string, text: string, options = replacing) =>
    files.write(workspace, path, textSource(text), options, neverAborted())
  const stat = (path: string) => files.stat(workspace, path, neverAborted())
  const read = (path: string) => files.read(workspace, path, neverAborted())
  const textAt = async (path: string) => (await readBytes(fileValueOf(await read(path)).bytes)).toString()
  const namesIn = async (path: string) =>
    fileValueOf(await files.list(workspace, path, neverAborted()))
      .map(({ name }) => name)
      .toSorted()
  const move = (from: string, to: string) => files.move(workspace, from, to, neverAborted())
  const remove = (path: string, recursive = false) => files.remove(workspace, path, recursive, neverAborted())
  const makeDirectory = (path: string) => files.makeDirectory(workspace, path, neverAborted())

  describe('files in the guest', () => {
    it('a file is read as it was written, byte for byte', async () => {
      const bytes = Buffer.from(Array.from({ length: 70_000 }, (_, at) => (at * 7 + (at >> 8)) % 256))
      fileValueOf(await files.write(workspace, 'all bytes', Readable.from([bytes]), replacing, neverAborted()))
      expect((await readBytes(fileValueOf(await read('all bytes')).bytes)).equals(bytes)).toBe(true)
      fileValueOf(await put('empty', ''))
      const empty = fileValueOf(await read('empty'))
      expect(empty.entry).toMatchObject({ name: 'empty', kind: 'file', bytes: 0 })
      expect((await readBytes(empty.bytes)).length).toBe(0)
    })

    it('files with hostile names are written, described, moved, read and removed', async () => {
      fileValueOf(await makeDirectory('in'))
      for (const name of hostileNames) fileValueOf(await put(`in/${name}`, `${name} `))
      expect(await namesIn('in')).toEqual(hostileNames.toSorted())
      const all = await runShell('cd in; for name; do cat "./$name"; done', ...hostileNames)
      expect(all).toBe(hostileNames.map((name) => `${name} `).join(''))
      for (const name of hostileNames) {
        const bytes = Buffer.byteLength(name) + 1
        expect(fileValueOf(await stat(`in/${name}`))).toMatchObject({ name, kind: 'file', bytes })
        fileValueOf(await move(`in/${name}`, name))
        fileValueOf(await put(name, 'and more', appending))
        expect(await textAt(name)).toBe(`${name} and more`)
        fileValueOf(await remove(name))
      }
      expect(await runShell('ls -A . in')).toBe('.:\nin\n\nin:\n')
    })

    it('directories with hostile names are created, filled, listed and removed', async () => {
      for (const name of hostileNames) {
        fileValueOf(await makeDirectory(name))
        fileValueOf(await put(`${name}/file`, ''))
        expect(await namesIn(name)).toEqual(['file'])
        fileValueOf(await remove(name, true))
      }
      expect(await runShell('ls -A')).toBe('')
    })

    it('a file, directory, link or pipe is described with its size, mode, time and target', async () => {
      await runShell(
        'printf 12345 > f; chmod 640 f; touch -d "2021-02-03 04:05:06" f; mkdir d; chmod 751 d; ln -s "d/../f" l; mkfifo p',
      )
      const at = (await runShell('date -r f +%s')).trim()
      const f = { name: 'f', kind: 'file', bytes: 5, mode: 0o640, modifiedAt: Number(at) * 1000, target: null }
      expect(fileValueOf(await stat('f'))).toEqual(f)
      expect(fileValueOf(await stat('d'))).toMatchObject({ name: 'd', kind: 'directory', mode: 0o751, target: null })
      expect(fileValueOf(await stat('l'))).toMatchObject({ name: 'l', kind: 'link', target: 'd/../f' })
      expect(fileValueOf(await stat('p'))).toMatchObject({ name: 'p', kind: 'other' })
      expect(fileValueOf(await stat('.')).kind).toBe('directory')
      const listed = fileValueOf(await files.list(workspace, '.', neverAborted()))
      expect(listed.toSorted((a, b) => (a.name < b.name ? -1 : 1))).toMatchObject([
        { name: 'd', kind: 'directory', mode: 0o751, target: null },
        f,
        { name: 'l', kind: 'link', target: null },
        { name: 'p', kind: 'other', target: null },
      ])
      expect(refusalOf(await read('p'))).toBe('not-a-file')
      expect(fileValueOf(await files.list(workspace, 'd', neverAborted()))).toEqual([])
    })

    it('a replaced file keeps its mode, a new one has 644, and a given mode is set', async () => {
      await runShell('echo old > old; chmod 751 old; umask 077')
      fileValueOf(await put('old', 'new'))
      fileValueOf(await put('new', 'new'))
      fileValueOf(await put('with-mode', 'new', { append: false, mode: 0o600 }))
      expect([fileValueOf(await stat('old')).mode, fileValueOf(await stat('new')).mode]).toEqual([0o751, 0o644])
      expect(fileValueOf(await stat('with-mode')).mode).toBe(0o600)
      fileValueOf(await put('old', '!', appending))
      expect([await textAt('old'), fileValueOf(await stat('old')).mode]).toEqual(['new!', 0o751])
      fileValueOf(await put('appended', 'first', appending))
      expect([await textAt('appended'), fileValueOf(await stat('appended')).mode]).toEqual(['first', 0o644])
    })

    it('a source that fails changes nothing and leaves nothing behind', async () => {
      fileValueOf(await put('old', 'stands'))
      const half = Buffer.alloc(300_000, 'x')
      for (const options of [replacing, appending])
        for (const path of ['old', 'new'])
          fileFaultOf(await files.write(workspace, path, truncatedSource(half), options, neverAborted()))
      expect(await textAt('old')).toBe('stands')
      expect(await runShell('ls -A')).toBe('old\n')
    })

    it('a write that is aborted settles and keeps the old file', async () => {
      fileValueOf(await put('old', 'stands'))
      const abortController = new AbortController()
      const endless = new Readable({ read: () => undefined })
      endless.push('half')
      const writing = files.write(workspace, 'old', endless, replacing, abortController.signal)
      // The data that has arrived is being written to a file.
      await new Promise((resolve) => setImmediate(resolve))
      abortController.abort()
      fileFaultOf(await writing)
      expect(await textAt('old')).toBe('stands')
      expect(await runShell('ls -A')).toBe('old\n')
    })

    it('a large file is transferred whole in both directions', async () => {
      const { source, checksum } = largeSource(64 * 1024 * 1024)
      fileValueOf(await files.write(workspace, 'big', source, replacing, neverAborted()))
      const sent = checksum()
      expect((await runShell('sha256sum big')).split(' ')[0]).toBe(sent)
      const hash = createHash('sha256')
      const { entry, bytes } = fileValueOf(await read('big'))
      expect(entry.bytes).toBe(64 * 1024 * 1024)
      for await (const chunk of bytes) hash.update(Buffer.from(chunk))
      expect(hash.digest('hex')).toBe(sent)
    })

    it('a read that is aborted fails', async () => {
      fileValueOf(await files.write(workspace, 'big', largeSource(16 * 1024 * 1024).source, replacing, neverAborted()))
      const abortController = new AbortController()
      const { bytes } = fileValueOf(await files.read(workspace, 'big', abortController.signal))
      await bytes[Symbol.asyncIterator]().next()
      abortController.abort()
      await expect(readBytes(bytes)).rejects.toThrow()
    })

    it('a path to nothing, or to the wrong kind of file, is refused with the reason', async () => {
      await runShell('echo f > f; mkdir d; echo x > d/x; ln -s nowhere dangling')
      expect(refusalOf(await stat('no'))).toBe('not-found')
      expect(refusalOf(await read('no'))).toBe('not-found')
      expect(refusalOf(await read('no/deeper'))).toBe('not-found')
      expect(refusalOf(await read('dangling'))).toBe('not-found')
      expect(refusalOf(await read('d'))).toBe('not-a-file')
      expect(refusalOf(await read('f/deeper'))).toBe('not-a-directory')
      expect(refusalOf(await files.list(workspace, 'f', neverAborted()))).toBe('not-a-directory')
      expect(refusalOf(await files.list(workspace, 'no', neverAborted()))).toBe('not-found')
      expect(refusalOf(await put('d', 'x'))).toBe('not-a-file')
      expect(refusalOf(await put('no/f', 'x'))).toBe('not-found')
      expect(refusalOf(await put('f/f', 'x'))).toBe('not-a-directory')
      expect(refusalOf(await makeDirectory('f'))).toBe('exists')
      expect(refusalOf(await makeDirectory('f/d'))).toBe('not-a-directory')
      expect(refusalOf(await move('no', 'other'))).toBe('not-found')
      expect(refusalOf(await move('f', 'no/f'))).toBe('not-found')
      expect(refusalOf(await move('f', 'd'))).toBe('exists')
      expect(refusalOf(await remove('no'))).toBe('not-found')
      expect(refusalOf(await remove('d'))).toBe('not-empty')
      expect(refusalOf(await remove('.', true))).toBe('denied')
      expect(await runShell('cat f d/x')).toBe('f\nx\n')
    })

    it('directories are created with their parents, moved with their content, and removed recursively on request', async () => {
      fileValueOf(await makeDirectory('a/b/c'))
      fileValueOf(await makeDirectory('a/b/c'))
      fileValueOf(await makeDirectory('.'))
      fileValueOf(await put('a/b/c/f', 'f'))
      fileValueOf(await move('a/b', 'moved'))
      expect(await textAt('moved/c/f')).toBe('f')
      await runShell('mkdir there; echo old > old; ln -s moved link')
      expect(refusalOf(await move('moved', 'there'))).toBe('exists')
      fileValueOf(await move('moved/c/f', 'old'))
      expect(await textAt('old')).toBe('f')
      fileValueOf(await remove('there'))
      fileValueOf(await remove('link', true))
      expect(await runShell('ls -A . moved')).toBe('.:\na\nmoved\nold\n\nmoved:\nc\n')
      fileValueOf(await remove('moved', true))
      expect(await namesIn('.')).toEqual(['a', 'old'])
    })

    it('a link inside the workspace is followed, and stays a link after a write through it', async () => {
      await runShell(
        'mkdir -p real/deep; echo f > real/deep/f; ln -s real/deep way; ln -s ../way/f real/hop; ln -s real/new fresh',
      )
      expect(await textAt('way/f')).toBe('f\n')
      expect(await textAt('real/hop')).toBe('f\n')
      expect(await namesIn('way')).toEqual(['f'])
      fileValueOf(await put('real/hop', 'written'))
      fileValueOf(await put('way/g', 'g'))
      fileValueOf(await put('fresh', 'fresh'))
      fileValueOf(await makeDirectory('way/sub/sub'))
      expect(
        await runShell('cat real/deep/f real/deep/g real/new; readlink real/hop; readlink fresh; ls real/deep/sub'),
      ).toBe('writtengfresh../way/f\nreal/new\nsub\n')
      fileValueOf(await remove('way'))
      expect(await textAt('real/deep/f')).toBe('written')
    })

    it('a workspace that is not running is a fault that says so', async () => {
      valueOf(await fixture.provider.stop(workspace, neverAborted()))
      expect(fileFaultOf(await stat('.')).kind).toBe('missing')
      expect(fileFaultOf(await put('f', 'x')).kind).toBe('missing')
    })
  })
}
