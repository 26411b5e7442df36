import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Files } from '../../src/provider/inside.ts'
import type { Subject } from '../../src/workspace/subject.ts'
import { newSubject, unhurried, up, valueOf } from './bench.ts'
import { cutOff, faultIn, granted, refusedOf, textOf } from './inside-bench.ts'
import { type ProcessBench, processBench } from './process-bench.ts'
import { type Packed, tarOf } from './tar-bench.ts'

describe.skipIf(process.platform === 'win32')('Files of plain processes', { timeout: 60_000 }, () => {
  describe('beside the files of the host', () => {
    let bench: ProcessBench
    let subject: Subject
    let files: Files
    let home: string
    let precious: string
    beforeEach(async () => {
      bench = await processBench()
      subject = await up(bench.provider, newSubject(bench.recipe()))
      files = bench.provider.inside.files
      home = join(bench.root, subject.id, 'home')
      precious = join(bench.root, 'precious')
      await mkdir(precious)
      await writeFile(join(precious, 'f'), 'precious')
    })
    afterEach(() => bench.close())

    const how = { append: false, mode: null }
    const write = (path: string) => files.write(subject, path, textOf('x'), how, unhurried())
    const file = (name: string): Packed => ({ name, type: 'file', mode: 0o644, text: 'x' })

    it('no path and no link leads out of the home, and nothing out there is touched', async () => {
      await symlink(precious, join(home, 'way'))
      await symlink('../../precious/f', join(home, 'f'))
      await symlink('../../precious/new', join(home, 'new'))
      for (const path of [precious, '/etc/passwd', 'way', 'way/f', 'f', join(home, 'way', 'f')]) {
        expect(refusedOf(await files.read(subject, path, unhurried())), path).toBe('outside')
        expect(refusedOf(await files.pack(subject, path, unhurried())), path).toBe('outside')
        expect(refusedOf(await write(path)), path).toBe('outside')
      }
      expect(refusedOf(await write('new'))).toBe('outside')
      expect(refusedOf(await files.list(subject, 'way', unhurried()))).toBe('outside')
      expect(refusedOf(await files.list(subject, '/', unhurried()))).toBe('outside')
      expect(refusedOf(await files.stat(subject, 'way/f', unhurried()))).toBe('outside')
      expect(refusedOf(await files.makeDirectory(subject, 'way/made', unhurried()))).toBe('outside')
      expect(refusedOf(await files.makeDirectory(subject, 'way', unhurried()))).toBe('outside')
      expect(refusedOf(await files.remove(subject, 'way/f', true, unhurried()))).toBe('outside')
      expect(refusedOf(await files.move(subject, 'way/f', 'mine', unhurried()))).toBe('outside')
      granted(await write('mine'))
      expect(refusedOf(await files.move(subject, 'mine', 'way/mine', unhurried()))).toBe('outside')
      expect(refusedOf(await files.unpack(subject, 'way', await tarOf([file('a')]), unhurried()))).toBe('outside')
      expect(refusedOf(await files.unpack(subject, 'way/a', await tarOf([file('a')]), unhurried()))).toBe('outside')
      expect(await readdir(precious)).toEqual(['f'])
      expect(await readFile(join(precious, 'f'), 'utf8')).toBe('precious')
    })

    it('a link that leads out is seen as a link, moved and removed, and what it leads to stays', async () => {
      await symlink(precious, join(home, 'way'))
      expect(granted(await files.stat(subject, 'way', unhurried()))).toMatchObject({ kind: 'link', target: precious })
      granted(await files.move(subject, 'way', 'moved', unhurried()))
      granted(await files.remove(subject, 'moved', true, unhurried()))
      expect(await readdir(home)).toEqual([])
      expect(await readdir(precious)).toEqual(['f'])
    })

    it('an absolute path in the home is that file', async () => {
      granted(await write(join(home, 'f')))
      expect(await readFile(join(home, 'f'), 'utf8')).toBe('x')
    })

    it.each([
      ['an absolute name', [file('/tmp/a')], 'outside'],
      ['a name that leads out', [file('a/../../a')], 'outside'],
      ['a link that leads out', [{ name: 'l', type: 'symlink', linkname: '../precious' }], 'outside'],
      ['a link that leads out in the end', [{ name: 'd/l', type: 'symlink', linkname: 'x/../../../y' }], 'outside'],
      ['an absolute link', [{ name: 'l', type: 'symlink', linkname: '/etc' }], 'outside'],
      ['a hard link that leads out', [{ name: 'l', type: 'link', linkname: '../vm-api.json' }], 'outside'],
      [
        'a name that goes through a link',
        [{ name: 'l', type: 'symlink', linkname: '.' }, file('l/a')],
        'not-a-directory',
      ],
      ['a pipe', [{ name: 'p', type: 'fifo' }], 'impossible'],
    ] as const)('an archive with %s is refused as a whole', async (_what, entries, why) => {
      const source = await tarOf([file('first'), ...entries, file('last')])
      expect(refusedOf(await files.unpack(subject, '.', source, unhurried()))).toBe(why)
      expect(await readdir(home)).toEqual([])
      expect((await readdir(join(bench.root, subject.id))).filter((name) => name.startsWith('.'))).toEqual([])
    })

    it('what is no archive is refused', async () => {
      expect(refusedOf(await files.unpack(subject, '.', textOf('no tar'.repeat(1000)), unhurried()))).toBe('impossible')
    })

    it('a file in the place of a directory is refused before anything is put in place', async () => {
      await mkdir(join(home, 'd', 'b'), { recursive: true })
      const source = await tarOf([file('a'), file('d/a'), file('d/b')])
      expect(refusedOf(await files.unpack(subject, '.', source, unhurried()))).toBe('exists')
      expect([await readdir(home), await readdir(join(home, 'd'))]).toEqual([['d'], ['b']])
    })

    it('what a service that was killed has left half come goes when the workspace is started again', async () => {
      const path = join(bench.root, subject.id)
      await writeFile(join(path, '.incoming-file'), 'half')
      await mkdir(join(path, '.incoming-tree', 'deep'), { recursive: true })
      valueOf(await bench.provider.halt(subject, unhurried()))
      valueOf(await bench.provider.boot(subject, unhurried()))
      expect((await readdir(path)).filter((name) => name.startsWith('.'))).toEqual([])
      faultIn(await files.write(subject, 'f', cutOff(Buffer.from('half')), how, unhurried()))
      expect((await readdir(path)).filter((name) => name.startsWith('.'))).toEqual([])
    })
  })
})
