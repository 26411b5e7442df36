import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { GuestFiles } from '../../../src/provider/guest.ts'
import type { WorkspaceRef } from '../../../src/workspace/workspace-ref.ts'
import { newWorkspaceRef, neverAborted, runningWorkspace, valueOf } from '../contract/provider-fixture.ts'
import { truncatedSource, fileFaultOf, fileValueOf, refusalOf, textSource } from '../contract/guest-fixture.ts'
import { type ProcessFixture, processFixture } from './process-fixture.ts'
import { type TarEntry, packTar } from '../contract/tar-entries.ts'

describe.skipIf(process.platform === 'win32')('Files of plain processes', { timeout: 60_000 }, () => {
  describe('among the files of the host', () => {
    let fixture: ProcessFixture
    let workspace: WorkspaceRef
    let files: GuestFiles
    let home: string
    let outsideFile: string
    beforeEach(async () => {
      fixture = await processFixture()
      workspace = await runningWorkspace(fixture.provider, newWorkspaceRef(fixture.newSpec()))
      files = fixture.provider.guest.files
      home = join(fixture.root, workspace.id, 'home')
      outsideFile = join(fixture.root, 'precious')
      await mkdir(outsideFile)
      await writeFile(join(outsideFile, 'f'), 'precious')
    })
    afterEach(() => fixture.close())

    const options = { append: false, mode: null }
    const write = (path: string) => files.write(workspace, path, textSource('x'), options, neverAborted())
    const file = (name: string): TarEntry => ({ name, type: 'file', mode: 0o644, text: 'x' })

    it('no path and no link leads outside the home', async () => {
      await symlink(outsideFile, join(home, 'way'))
      await symlink('../../precious/f', join(home, 'f'))
      await symlink('../../precious/new', join(home, 'new'))
      for (const path of [outsideFile, '/etc/passwd', 'way', 'way/f', 'f', join(home, 'way', 'f')]) {
        expect(refusalOf(await files.read(workspace, path, neverAborted())), path).toBe('outside')
        expect(refusalOf(await files.pack(workspace, path, neverAborted())), path).toBe('outside')
        expect(refusalOf(await write(path)), path).toBe('outside')
      }
      expect(refusalOf(await write('new'))).toBe('outside')
      expect(refusalOf(await files.list(workspace, 'way', neverAborted()))).toBe('outside')
      expect(refusalOf(await files.list(workspace, '/', neverAborted()))).toBe('outside')
      expect(refusalOf(await files.stat(workspace, 'way/f', neverAborted()))).toBe('outside')
      expect(refusalOf(await files.makeDirectory(workspace, 'way/made', neverAborted()))).toBe('outside')
      expect(refusalOf(await files.makeDirectory(workspace, 'way', neverAborted()))).toBe('outside')
      expect(refusalOf(await files.remove(workspace, 'way/f', true, neverAborted()))).toBe('outside')
      expect(refusalOf(await files.move(workspace, 'way/f', 'mine', neverAborted()))).toBe('outside')
      fileValueOf(await write('mine'))
      expect(refusalOf(await files.move(workspace, 'mine', 'way/mine', neverAborted()))).toBe('outside')
      expect(refusalOf(await files.unpack(workspace, 'way', await packTar([file('a')]), neverAborted()))).toBe(
        'outside',
      )
      expect(refusalOf(await files.unpack(workspace, 'way/a', await packTar([file('a')]), neverAborted()))).toBe(
        'outside',
      )
      expect(await readdir(outsideFile)).toEqual(['f'])
      expect(await readFile(join(outsideFile, 'f'), 'utf8')).toBe('precious')
    })

    it('a link to the outside is described, moved and removed as a link, and its target stays', async () => {
      await symlink(outsideFile, join(home, 'way'))
      expect(fileValueOf(await files.stat(workspace, 'way', neverAborted()))).toMatchObject({
        kind: 'link',
        target: outsideFile,
      })
      fileValueOf(await files.move(workspace, 'way', 'moved', neverAborted()))
      fileValueOf(await files.remove(workspace, 'moved', true, neverAborted()))
      expect(await readdir(home)).toEqual([])
      expect(await readdir(outsideFile)).toEqual(['f'])
    })

    it('an absolute path inside the home is accepted', async () => {
      fileValueOf(await write(join(home, 'f')))
      expect(await readFile(join(home, 'f'), 'utf8')).toBe('x')
    })

    it.each([
      ['an absolute name', [file('/tmp/a')], 'outside'],
      ['a name that leads outside', [file('a/../../a')], 'outside'],
      ['a link that leads outside', [{ name: 'l', type: 'symlink', linkname: '../precious' }], 'outside'],
      ['a link that leads outside indirectly', [{ name: 'd/l', type: 'symlink', linkname: 'x/../../../y' }], 'outside'],
      ['an absolute link', [{ name: 'l', type: 'symlink', linkname: '/etc' }], 'outside'],
      ['a hard link that leads outside', [{ name: 'l', type: 'link', linkname: '../vm-api.json' }], 'outside'],
      [
        'a name that goes through a link',
        [{ name: 'l', type: 'symlink', linkname: '.' }, file('l/a')],
        'not-a-directory',
      ],
      ['a pipe', [{ name: 'p', type: 'fifo' }], 'impossible'],
    ] as const)('an archive with %s is refused as a whole', async (_label, entries, why) => {
      const source = await packTar([file('first'), ...entries, file('last')])
      expect(refusalOf(await files.unpack(workspace, '.', source, neverAborted()))).toBe(why)
      expect(await readdir(home)).toEqual([])
      expect((await readdir(join(fixture.root, workspace.id))).filter((name) => name.startsWith('.'))).toEqual([])
    })

    it('a source that is not an archive is refused', async () => {
      expect(refusalOf(await files.unpack(workspace, '.', textSource('no tar'.repeat(1000)), neverAborted()))).toBe(
        'impossible',
      )
    })

    it('a file in place of a directory is refused before any file is changed', async () => {
      await mkdir(join(home, 'd', 'b'), { recursive: true })
      const source = await packTar([file('a'), file('d/a'), file('d/b')])
      expect(refusalOf(await files.unpack(workspace, '.', source, neverAborted()))).toBe('exists')
      expect([await readdir(home), await readdir(join(home, 'd'))]).toEqual([['d'], ['b']])
    })

    it('incomplete uploads of a killed service are removed when the workspace starts again', async () => {
      const path = join(fixture.root, workspace.id)
      await writeFile(join(path, '.incoming-file'), 'half')
      await mkdir(join(path, '.incoming-tree', 'deep'), { recursive: true })
      valueOf(await fixture.provider.stop(workspace, neverAborted()))
      valueOf(await fixture.provider.boot(workspace, neverAborted()))
      expect((await readdir(path)).filter((name) => name.startsWith('.'))).toEqual([])
      fileFaultOf(await files.write(workspace, 'f', truncatedSource(Buffer.from('half')), options, neverAborted()))
      expect((await readdir(path)).filter((name) => name.startsWith('.'))).toEqual([])
    })
  })
})
