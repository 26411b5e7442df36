import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import type { Header } from 'tar-stream'
import { extract, pack } from 'tar-stream'
import { expect, onTestFinished, test } from 'vitest'
import { validateArchive } from '../../../src/runtime/files/archive.ts'

type Entry = Partial<Header> & { readonly name: string; readonly text?: string }

/** Packs entries into a tar without checking them. */
async function tarWith(...entries: readonly Entry[]): Promise<Buffer> {
  const tar = pack()
  const content = buffer(Readable.from(tar))
  for (const { text, ...header } of entries) {
    if (text === undefined && header.type !== undefined && header.type !== 'file') tar.entry(header)
    else tar.entry(header, text ?? '')
  }
  tar.finalize()
  return content
}

/** Validates an archive. Returns its entries, or why it was rejected. */
async function validate(tar: Buffer, chunkBytes = 64 * 1024) {
  const archive = validateArchive(Readable.from(chunksOf(tar, chunkBytes)))
  const found: { readonly header: Header; readonly text: string }[] = []
  const reading = extract()
  try {
    Readable.from(archive.stream)
      .on('error', (error) => reading.destroy(error))
      .pipe(reading)
    for await (const entry of reading) found.push({ header: entry.header, text: String(await buffer(entry)) })
  } catch {
    return archive.rejectionReason()
  }
  return found
}

function* chunksOf(bytes: Buffer, chunkBytes: number) {
  for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes)
}

async function namesOf(tar: Buffer, chunkBytes?: number) {
  const found = await validate(tar, chunkBytes)
  return Array.isArray(found) ? found.map(({ header }) => header.name) : found
}

test('an archive passes unchanged, without owners, setuid bits and its top directory', async () => {
  const tar = await tarWith(
    { name: './', type: 'directory' },
    { name: './bin/', type: 'directory', mode: 0o2755, uid: 1000, uname: 'me' },
    { name: './bin/tool', text: 'run me', mode: 0o4755, uid: 1000, gname: 'us', mtime: new Date(1_700_000_000_000) },
    { name: 'empty', text: '' },
    { name: `${'long/'.repeat(60)}ä`, text: 'deep' },
    { name: 'bin/link', type: 'symlink', linkname: '../empty' },
    { name: 'bin/other', type: 'link', linkname: './bin/tool' },
  )
  const found = await validate(tar)
  expect(found).toMatchObject([
    { header: { name: 'bin/', type: 'directory', mode: 0o755, uid: 0, uname: '' } },
    {
      header: { name: 'bin/tool', mode: 0o755, uid: 0, gname: '', mtime: new Date(1_700_000_000_000) },
      text: 'run me',
    },
    { header: { name: 'empty', size: 0 } },
    { header: { name: `${'long/'.repeat(60)}ä` }, text: 'deep' },
    { header: { name: 'bin/link', type: 'symlink', linkname: '../empty' } },
    { header: { name: 'bin/other', type: 'link', linkname: 'bin/tool' } },
  ])
  expect(await validate(tar, 7)).toEqual(found)
})

test.each<readonly [string, readonly Entry[]]>([
  ['an absolute name', [{ name: '/etc/passwd', text: 'x' }]],
  ['a part ".."', [{ name: 'a/../../x', text: 'x' }]],
  ['a part ".." that stays inside', [{ name: 'a/../x', text: 'x' }]],
  ['a link to an absolute path', [{ name: 'a', type: 'symlink', linkname: '/etc' }]],
  ['a link above the top', [{ name: 'a', type: 'symlink', linkname: '../x' }]],
  ['a link above the top from a directory', [{ name: 'd/a', type: 'symlink', linkname: '../../x' }]],
  ['a link that goes up after another link', [{ name: 'a', type: 'symlink', linkname: 'd/l/../..' }]],
  ['a link to nothing', [{ name: 'a', type: 'symlink', linkname: '' }]],
  ['a hard link to an absolute path', [{ name: 'a', type: 'link', linkname: '/etc/passwd' }]],
  ['a hard link above the top', [{ name: 'a', type: 'link', linkname: '../x' }]],
  ['a device', [{ name: 'a', type: 'character-device' }]],
  ['a pipe', [{ name: 'a', type: 'fifo' }]],
  [
    'an entry through a link',
    [
      { name: 'a', type: 'symlink', linkname: 'd' },
      { name: 'a/x', text: 'x' },
    ],
  ],
  [
    'an entry through a link that is spelled differently',
    [
      { name: 'b/a', type: 'symlink', linkname: 'd' },
      { name: './b//./a/x', text: 'x' },
    ],
  ],
  [
    'a hard link through a link',
    [
      { name: 'a', type: 'symlink', linkname: 'd' },
      { name: 'x', type: 'link', linkname: 'a/y' },
    ],
  ],
  [
    'a directory over a link',
    [
      { name: 'a', type: 'symlink', linkname: 'd' },
      { name: 'a', type: 'directory' },
    ],
  ],
])('an archive with %s is rejected, and the reason names the entry', async (_label, entries) => {
  const reason = await validate(await tarWith({ name: 'good', text: 'good' }, ...entries))
  expect(reason).toMatch(/^"[^"]*" (has|is) /)
  expect(reason).toContain(`"${entries.at(-1)?.name}`)
})

test('a file replaces a link of the same name', async () => {
  const tar = await tarWith(
    { name: 'a', type: 'symlink', linkname: 'd' },
    { name: 'a', text: 'x' },
    { name: 'b/x', text: 'x' },
  )
  expect(await namesOf(tar)).toEqual(['a', 'a', 'b/x'])
})

test('an archive that is truncated anywhere is rejected', async () => {
  const tar = await tarWith(
    { name: 'a', text: '\0'.repeat(1500) },
    { name: 'ä', text: 'b' },
    { name: 'd', type: 'directory' },
  )
  const ends = tar.length - 1024
  for (let length = 0; length <= ends; length += 64)
    expect(await validate(tar.subarray(0, length)), `${length} of ${tar.length}`).toMatch(/truncated/)
  expect(await namesOf(tar)).toEqual(['a', 'ä', 'd/'])
})

test('an archive whose source fails is rejected as truncated, and its stream fails', async () => {
  const tar = await tarWith({ name: 'a', text: 'a'.repeat(5000) })
  async function* broken() {
    yield tar.subarray(0, 3000)
    throw new Error('the client disconnected')
  }
  const archive = validateArchive(Readable.from(broken()))
  await expect(buffer(archive.stream)).rejects.toThrow('the client disconnected')
  expect(archive.rejectionReason()).toBe('it is truncated')
})

test.each([
  ['gzip', ['-z']],
  ['xz', ['-J']],
])('a tar that is compressed with %s is rejected, and the reason says how to send it', async (name, flags) => {
  const dir = folder()
  writeFileSync(join(dir, 'file'), 'x')
  const tar = execFileSync('tar', ['-c', ...flags, '-C', dir, '.'])
  expect(await validate(tar)).toBe(`it is compressed with ${name}: send a plain tar`)
})

test('an archive that failed before it is read fails when it is read', async () => {
  const archive = validateArchive(Readable.from([Buffer.alloc(5000, 'x')]))
  await new Promise((resolve) => archive.stream.once('close', resolve))
  await expect(buffer(archive.stream)).rejects.toThrow()
  expect(archive.rejectionReason()).toMatch(/^it is not a tar archive/)
})

test('bytes that are not a tar archive are rejected', async () => {
  expect(await validate(Buffer.from('x'.repeat(5000)))).toMatch(/^it is not a tar archive/)
  expect(await validate(Buffer.alloc(0))).toMatch(/truncated/)
})

test('archives in each format of the tar program pass', async () => {
  const dir = folder()
  mkdirSync(join(dir, 'sub'))
  writeFileSync(join(dir, 'sub/file'), 'x'.repeat(100_000))
  writeFileSync(join(dir, 'n'.repeat(200)), 'long')
  symlinkSync('../sub', join(dir, 'sub/me'))
  for (const format of ['gnu', 'pax', 'ustar']) {
    if (format === 'ustar') rmSync(join(dir, 'n'.repeat(200)))
    const tar = execFileSync('tar', ['-c', `--format=${format}`, '-C', dir, '.'])
    expect(await namesOf(tar)).toEqual(
      expect.arrayContaining(['sub/', 'sub/file', 'sub/me', ...(format === 'ustar' ? [] : ['n'.repeat(200)])]),
    )
  }
})

test('a sparse file is rejected, because it would be unpacked incorrectly', async () => {
  const dir = folder()
  execFileSync('truncate', ['-s', '1M', join(dir, 'hole')])
  for (const format of ['gnu', 'pax'])
    expect(await validate(execFileSync('tar', ['-cS', `--format=${format}`, '-C', dir, '.']))).toMatch(/ is /)
})

test('a large archive passes through little memory, as fast as it is read', async () => {
  const size = 256 * 1024 * 1024
  const chunk = Buffer.alloc(64 * 1024, 7)
  const tar = pack()
  const entry = tar.entry({ name: 'large', size })
  let packed = 0
  async function* content() {
    for (; packed < size; packed += chunk.length) yield chunk
  }
  Readable.from(content())
    .pipe(entry as unknown as NodeJS.WritableStream)
    .on('finish', () => tar.finalize())
  const { stream } = validateArchive(Readable.from(tar))
  const hash = createHash('sha256')
  let [consumed, maxBuffered] = [0, 0]
  for await (const bytes of stream) {
    consumed += bytes.length
    maxBuffered = Math.max(maxBuffered, packed - consumed)
    hash.update(bytes)
  }
  expect(consumed).toBe(512 + size + 1024)
  expect(maxBuffered).toBeLessThan(2 * 1024 * 1024)
})

function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'archive-'))
  onTestFinished(() => rmSync(dir, { recursive: true }))
  return dir
}
