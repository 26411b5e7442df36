import { createReadStream } from 'node:fs'
import { lstat, readdir, readlink, stat } from 'node:fs/promises'
import { basename, join, posix, resolve } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Pack } from 'tar-stream'
import { pack } from 'tar-stream'
import type { Files } from '../client/client.ts'
import { ApiError } from '../client/api-error.ts'
import { CliError } from './cli-error.ts'
import type { Session } from './session.ts'

export interface Copied {
  readonly files: number
  readonly bytes: number
}

/** Copies a file, a folder or stdin to a path in a workspace. A folder that is there takes it under its own name. */
export async function copyIn({ surroundings }: Session, files: Files, from: string, to: string): Promise<Copied> {
  if (from === '-') {
    const counted = counting(surroundings.stdin)
    await files.write(to, counted.bytes)
    return { files: 1, bytes: counted.total() }
  }
  const here = await stat(from)
  const name = basename(resolve(from))
  const intoFolder = to.endsWith('/') || (await isFolder(files, to))
  if (here.isDirectory()) {
    // `folder/.` is what is in it, as with cp.
    const target = intoFolder && !/(^|\/)\.$/.test(from) ? posix.join(to, name) : to
    return await sendFolder(files, from, target)
  }
  if (!here.isFile())
    throw new CliError(`${from} is no file and no folder.`, {
      next: 'Pipe it in: vm cp - NAME:PATH',
      code: 'not-a-file',
    })
  const counted = counting(createReadStream(from))
  const mode = (here.mode & 0o777).toString(8).padStart(4, '0')
  await files.write(intoFolder ? posix.join(to, name) : to, counted.bytes, { mode })
  return { files: 1, bytes: counted.total() }
}

async function isFolder(files: Files, path: string): Promise<boolean> {
  try {
    const there = await files.stat(path)
    if (there.kind !== 'link') return there.kind === 'directory'
    await files.list(path)
    return true
  } catch (error) {
    if (error instanceof ApiError && error.status >= 400 && error.status < 500 && error.code !== 'refused-in-state')
      return false
    throw error
  }
}

async function sendFolder(files: Files, from: string, to: string): Promise<Copied> {
  const tar = pack()
  const copied = { files: 0, bytes: 0 }
  const packing = packFolder(tar, from, '.', copied).then(
    () => tar.finalize(),
    (error: unknown) => tar.destroy(error instanceof Error ? error : new Error(String(error))),
  )
  let broken: unknown
  tar.on('error', (error) => (broken = error))
  try {
    await files.writeTree(to, Readable.from(tar))
  } catch (error) {
    throw broken ?? error // a file that could not be read says more than the request that broke off
  }
  await packing
  return copied
}

async function packFolder(
  tar: Pack,
  root: string,
  path: string,
  copied: { files: number; bytes: number },
): Promise<void> {
  for (const name of await readdir(join(root, path))) {
    const inner = `${path}/${name}`
    const full = join(root, inner)
    const entry = await lstat(full)
    const { mode, mtime, size } = entry
    const about = { name: inner, mode: mode & 0o777, mtime }
    if (entry.isDirectory()) {
      await put(tar, { ...about, type: 'directory' })
      await packFolder(tar, root, inner, copied)
    } else if (entry.isSymbolicLink()) await put(tar, { ...about, type: 'symlink', linkname: await readlink(full) })
    else if (entry.isFile()) {
      await pipeline(createReadStream(full), tar.entry({ ...about, size, type: 'file' }))
      copied.files++
      copied.bytes += size
    }
  }
}

function put(
  tar: Pack,
  header: { name: string; mode: number; mtime: Date; type: 'directory' | 'symlink'; linkname?: string },
): Promise<void> {
  return new Promise((done, failed) => tar.entry(header, (error) => (error ? failed(error) : done())))
}

function counting(source: AsyncIterable<Uint8Array>): { readonly bytes: AsyncIterable<Uint8Array>; total(): number } {
  let total = 0
  async function* bytes() {
    for await (const piece of source) {
      total += piece.length
      yield piece
    }
  }
  return { bytes: bytes(), total: () => total }
}
