import { Readable } from 'node:stream'
import { pack } from 'tar-stream'
import { beforeEach, describe, expect, it } from 'vitest'
import type { GuestFiles } from '../../../src/provider/guest.ts'
import type { WorkspaceRef } from '../../../src/workspace/workspace-ref.ts'
import { type ProviderFixture, neverAborted } from './provider-fixture.ts'
import {
  readBytes,
  truncatedSource,
  fileFaultOf,
  fileValueOf,
  hostileNames,
  refusalOf,
  sharedWorkspace,
  runScript,
} from './guest-fixture.ts'
import { type TarEntry, packTar, unpackTar } from './tar-entries.ts'

/** Uploads and downloads of directory trees as tar streams. */
export function archivesContract(createFixture: () => Promise<ProviderFixture>): void {
  let fixture: ProviderFixture
  let workspace: WorkspaceRef
  let files: GuestFiles
  const openWorkspace = sharedWorkspace(createFixture)
  beforeEach(async () => {
    ;({ fixture, workspace } = await openWorkspace())
    files = fixture.provider.guest.files
  })

  const runShell = (script: string, ...args: string[]) => runScript(fixture.provider, workspace, script, ...args)
  const unpack = (path: string, source: Readable) => files.unpack(workspace, path, source, neverAborted())
  const packEntries = async (path: string) => unpackTar(fileValueOf(await files.pack(workspace, path, neverAborted())))
  const file = (name: string, text: string, mode = 0o644): TarEntry => ({ name, type: 'file', text, mode })

  describe('directory trees in the guest', () => {
    it('a tree keeps its names, bytes, modes and links through upload and download', async () => {
      const tree: TarEntry[] = [
        { name: 'empty/', type: 'directory', mode: 0o750 },
        { name: 'deep/er/', type: 'directory', mode: 0o755 },
        file('deep/er/run', '#!/bin/sh\n', 0o755),
        file('deep/none', '', 0o600),
        file('big', 'x'.repeat(3_000_001)),
        { name: 'deep/link', type: 'symlink', linkname: '../big' },
        { name: 'dangling', type: 'symlink', linkname: 'not there' },
        ...hostileNames.map((name) => file(`deep/${name}`, name)),
      ]
      fileValueOf(await unpack('tree', await packTar(tree)))
      for (const name of hostileNames) expect(await runShell('cat "./tree/deep/$1"', name)).toBe(name)
      expect(
        await runShell(
          'stat -c "%a %n" tree/empty tree/deep/er/run tree/deep/none; readlink tree/deep/link; readlink tree/dangling',
        ),
      ).toBe('750 tree/empty\n755 tree/deep/er/run\n600 tree/deep/none\n../big\nnot there\n')
      const downloaded = await packEntries('tree')
      const expected = [...tree, { name: 'deep/', type: 'directory', mode: 0o755 } as const]
      expect([...downloaded.keys()].toSorted()).toEqual(expected.map(({ name }) => `./${name}`).toSorted())
      for (const { name, ...rest } of expected) expect(downloaded.get(`./${name}`)).toMatchObject(rest)
      fileValueOf(await unpack('again', await packTar([...downloaded.values()])))
      const shape =
        'cd "$1"; find . | sort; find . -type f -exec sha256sum {} + | sort; find . -type l -exec readlink {} \\; | sort'
      expect(await runShell(shape, 'again')).toBe(await runShell(shape, 'tree'))
    })

    it('a file is packed as one entry, also through a link that leads to it', async () => {
      await runShell('mkdir d; echo f > d/f; ln -s d/f l; ln -s d way')
      expect([...(await packEntries('d/f')).values()]).toMatchObject([{ name: 'f', type: 'file', text: 'f\n' }])
      expect([...(await packEntries('l')).values()]).toMatchObject([{ type: 'file', text: 'f\n' }])
      expect([...(await packEntries('way')).keys()]).toEqual(['./f'])
      expect(refusalOf(await files.pack(workspace, 'no', neverAborted()))).toBe('not-found')
    })

    it('an unpack replaces existing files, keeps files that are not in the archive, and merges directories', async () => {
      await runShell('mkdir -p t/d t/empty; echo old > t/d/f; echo kept > t/d/kept; echo file > t/file; ln -s d t/link')
      const source = await packTar([
        file('./d/f', 'new'),
        file('./d/new', 'new'),
        file('./link', 'no link any more'),
        { name: './empty/', type: 'directory', mode: 0o755 },
      ])
      fileValueOf(await unpack('t', source))
      expect(await runShell('cat t/d/f t/d/kept t/d/new t/file t/link; test -L t/link || echo; ls t')).toBe(
        'newkept\nnewfile\nno link any more\nd\nempty\nfile\nlink\n',
      )
    })

    it('an unpack goes into the target of a link or into a new directory, but not into a file', async () => {
      await runShell('mkdir d; ln -s d way; echo f > f')
      fileValueOf(await unpack('way', await packTar([file('a', 'a')])))
      fileValueOf(await unpack('new/deeper', await packTar([file('b', 'b')])))
      fileValueOf(await unpack('.', await packTar([file('c', 'c')])))
      expect(await runShell('cat d/a new/deeper/b c; readlink way')).toBe('abcd\n')
      expect(['exists', 'not-a-directory']).toContain(refusalOf(await unpack('f', await packTar([file('a', 'a')]))))
      expect(await runShell('cat f')).toBe('f\n')
    })

    it('an archive that is cut off anywhere changes nothing and leaves nothing behind', async () => {
      await runShell('mkdir t; echo old > t/f')
      const entries = [
        file('f', 'new'),
        file('g', 'g'.repeat(100_000)),
        { name: 'made/', type: 'directory', mode: 0o755 } as const,
      ]
      const bytes = await readBytes(await packTar(entries))
      for (const at of [1, 512, 700, 1024, 1100, 1536, 50_000, bytes.length - 1500]) {
        fileFaultOf(await unpack('t', truncatedSource(bytes.subarray(0, at))))
        fileFaultOf(await unpack('new', truncatedSource(bytes.subarray(0, at))))
      }
      expect(await runShell('ls -A . t; cat t/f')).toBe('.:\nt\n\nt:\nf\nold\n')
    })

    it('an unpack that is aborted settles and changes nothing', async () => {
      const bytes = await readBytes(await packTar([file('f', 'new'), file('g', 'g'.repeat(100_000))]))
      const abortController = new AbortController()
      const stuck = new Readable({ read: () => undefined })
      stuck.push(bytes.subarray(0, 2000))
      const unpacking = files.unpack(workspace, 't', stuck, abortController.signal)
      // The data that has arrived is being written to files.
      await new Promise((resolve) => setImmediate(resolve))
      abortController.abort()
      fileFaultOf(await unpacking)
      expect(await runShell('ls -A')).toBe('')
    })

    it('a pack that is aborted fails', async () => {
      await runShell('head -c 20000000 /dev/zero > zeros')
      const abortController = new AbortController()
      const stream = fileValueOf(await files.pack(workspace, '.', abortController.signal))
      await stream[Symbol.asyncIterator]().next()
      abortController.abort()
      await expect(readBytes(stream)).rejects.toThrow()
    })

    it('a tree larger than the memory in use is streamed through', async () => {
      const archive = pack()
      const put = async () => {
        for (let at = 0; at < 64; at += 1)
          await new Promise<void>((resolve, reject) => {
            const text = Buffer.alloc(1024 * 1024, `${at} `)
            archive.entry({ name: `d${at % 4}/f${at}` }, text, (error) => (error ? reject(error) : resolve()))
          })
        archive.finalize()
      }
      const [outcome] = await Promise.all([unpack('big', Readable.from(archive, { objectMode: false })), put()])
      fileValueOf(outcome)
      expect(await runShell('cat big/*/* | wc -c; ls big/d3 | wc -l')).toBe('67108864\n16\n')
      let bytes = 0
      for await (const chunk of fileValueOf(await files.pack(workspace, 'big', neverAborted())))
        bytes += Buffer.from(chunk).length
      expect(bytes).toBeGreaterThan(64 * 1024 * 1024)
    })
  })
}
