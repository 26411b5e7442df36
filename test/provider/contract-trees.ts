import { Readable } from 'node:stream'
import { pack } from 'tar-stream'
import { beforeEach, describe, expect, it } from 'vitest'
import type { Files } from '../../src/provider/inside.ts'
import type { Subject } from '../../src/workspace/subject.ts'
import { type Bench, unhurried } from './bench.ts'
import { bytesOf, cutOff, faultIn, granted, hostileNames, refusedOf, sharedWorkspace, told } from './inside-bench.ts'
import { type Packed, tarOf, unpacked } from './tar-bench.ts'

/** Whole trees of files, up and down as tar streams. */
export function treesContract(make: () => Promise<Bench>): void {
  let bench: Bench
  let subject: Subject
  let files: Files
  const enter = sharedWorkspace(make)
  beforeEach(async () => {
    ;({ bench, subject } = await enter())
    files = bench.provider.inside.files
  })

  const sh = (script: string, ...args: string[]) => told(bench.provider, subject, script, ...args)
  const unpack = (path: string, source: Readable) => files.unpack(subject, path, source, unhurried())
  const packed = async (path: string) => unpacked(granted(await files.pack(subject, path, unhurried())))
  const file = (name: string, text: string, mode = 0o644): Packed => ({ name, type: 'file', text, mode })

  describe('trees inside', () => {
    it('a tree comes up with its names, bytes, bits and links, and goes down the same', async () => {
      const tree: Packed[] = [
        { name: 'empty/', type: 'directory', mode: 0o750 },
        { name: 'deep/er/', type: 'directory', mode: 0o755 },
        file('deep/er/run', '#!/bin/sh\n', 0o755),
        file('deep/none', '', 0o600),
        file('big', 'x'.repeat(3_000_001)),
        { name: 'deep/link', type: 'symlink', linkname: '../big' },
        { name: 'dangling', type: 'symlink', linkname: 'not there' },
        ...hostileNames.map((name) => file(`deep/${name}`, name)),
      ]
      granted(await unpack('tree', await tarOf(tree)))
      for (const name of hostileNames) expect(await sh('cat "./tree/deep/$1"', name)).toBe(name)
      expect(
        await sh(
          'stat -c "%a %n" tree/empty tree/deep/er/run tree/deep/none; readlink tree/deep/link; readlink tree/dangling',
        ),
      ).toBe('750 tree/empty\n755 tree/deep/er/run\n600 tree/deep/none\n../big\nnot there\n')
      const down = await packed('tree')
      const wanted = [...tree, { name: 'deep/', type: 'directory', mode: 0o755 } as const]
      expect([...down.keys()].toSorted()).toEqual(wanted.map(({ name }) => `./${name}`).toSorted())
      for (const { name, ...rest } of wanted) expect(down.get(`./${name}`)).toMatchObject(rest)
      granted(await unpack('again', await tarOf([...down.values()])))
      const shape =
        'cd "$1"; find . | sort; find . -type f -exec sha256sum {} + | sort; find . -type l -exec readlink {} \\; | sort'
      expect(await sh(shape, 'again')).toBe(await sh(shape, 'tree'))
    })

    it('a file goes down as that file, and by way of a link that leads to it', async () => {
      await sh('mkdir d; echo f > d/f; ln -s d/f l; ln -s d way')
      expect([...(await packed('d/f')).values()]).toMatchObject([{ name: 'f', type: 'file', text: 'f\n' }])
      expect([...(await packed('l')).values()]).toMatchObject([{ type: 'file', text: 'f\n' }])
      expect([...(await packed('way')).keys()]).toEqual(['./f'])
      expect(refusedOf(await files.pack(subject, 'no', unhurried()))).toBe('not-found')
    })

    it('what is there is replaced, what is not in the archive stays, and directories become one', async () => {
      await sh('mkdir -p t/d t/empty; echo old > t/d/f; echo kept > t/d/kept; echo file > t/file; ln -s d t/link')
      const source = await tarOf([
        file('./d/f', 'new'),
        file('./d/new', 'new'),
        file('./link', 'no link any more'),
        { name: './empty/', type: 'directory', mode: 0o755 },
      ])
      granted(await unpack('t', source))
      expect(await sh('cat t/d/f t/d/kept t/d/new t/file t/link; test -L t/link || echo; ls t')).toBe(
        'newkept\nnewfile\nno link any more\nd\nempty\nfile\nlink\n',
      )
    })

    it('it is put into the directory that a link leads to, or into a new one, but not into a file', async () => {
      await sh('mkdir d; ln -s d way; echo f > f')
      granted(await unpack('way', await tarOf([file('a', 'a')])))
      granted(await unpack('new/deeper', await tarOf([file('b', 'b')])))
      granted(await unpack('.', await tarOf([file('c', 'c')])))
      expect(await sh('cat d/a new/deeper/b c; readlink way')).toBe('abcd\n')
      expect(['exists', 'not-a-directory']).toContain(refusedOf(await unpack('f', await tarOf([file('a', 'a')]))))
      expect(await sh('cat f')).toBe('f\n')
    })

    it('an archive that is cut off changes nothing and leaves nothing behind, wherever it is cut', async () => {
      await sh('mkdir t; echo old > t/f')
      const entries = [
        file('f', 'new'),
        file('g', 'g'.repeat(100_000)),
        { name: 'made/', type: 'directory', mode: 0o755 } as const,
      ]
      const bytes = await bytesOf(await tarOf(entries))
      for (const at of [1, 512, 700, 1024, 1100, 1536, 50_000, bytes.length - 1500]) {
        faultIn(await unpack('t', cutOff(bytes.subarray(0, at))))
        faultIn(await unpack('new', cutOff(bytes.subarray(0, at))))
      }
      expect(await sh('ls -A . t; cat t/f')).toBe('.:\nt\n\nt:\nf\nold\n')
    })

    it('an unpack that is aborted settles, and nothing has changed', async () => {
      const bytes = await bytesOf(await tarOf([file('f', 'new'), file('g', 'g'.repeat(100_000))]))
      const leaving = new AbortController()
      const stuck = new Readable({ read: () => undefined })
      stuck.push(bytes.subarray(0, 2000))
      const unpacking = files.unpack(subject, 't', stuck, leaving.signal)
      // What has come already is on its way to files somewhere.
      await new Promise((resolve) => setImmediate(resolve))
      leaving.abort()
      faultIn(await unpacking)
      expect(await sh('ls -A')).toBe('')
    })

    it('a pack that is aborted fails', async () => {
      await sh('head -c 20000000 /dev/zero > zeros')
      const leaving = new AbortController()
      const stream = granted(await files.pack(subject, '.', leaving.signal))
      await stream[Symbol.asyncIterator]().next()
      leaving.abort()
      await expect(bytesOf(stream)).rejects.toThrow()
    })

    it('a big tree streams through, more than is ever held in memory', async () => {
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
      granted(outcome)
      expect(await sh('cat big/*/* | wc -c; ls big/d3 | wc -l')).toBe('67108864\n16\n')
      let bytes = 0
      for await (const piece of granted(await files.pack(subject, 'big', unhurried())))
        bytes += Buffer.from(piece).length
      expect(bytes).toBeGreaterThan(64 * 1024 * 1024)
    })
  })
}
