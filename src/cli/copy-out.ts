import { createWriteStream } from 'node:fs'
import { chmod, lstat, mkdir, rename, rm, stat, symlink } from 'node:fs/promises'
import { basename, dirname, join, posix, resolve, sep } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { extract } from 'tar-stream'
import type { Files } from '../client/client.ts'
import { CliError } from './cli-error.ts'
import type { Copied } from './copy-in.ts'
import type { Session } from './session.ts'

/** Copies a file or a folder of a workspace to a path here, or to stdout. A folder that is here takes it under its own name. */
export async function copyOut({ out }: Session, files: Files, from: string, to: string): Promise<Copied> {
  const isFolder = await isFolderThere(files, from)
  if (to === '-') {
    let bytes = 0
    for await (const piece of isFolder ? await files.readTree(from) : await files.read(from)) {
      bytes += piece.length
      await out.bytes('stdout', piece)
    }
    return { files: 1, bytes }
  }
  const name = basename(posix.resolve('/', from))
  const intoFolder = await isFolderHere(to)
  if (isFolder) {
    const target = intoFolder && name !== '' && !/(^|\/)\.$/.test(from) ? join(to, name) : to
    return await fetchFolder(files, from, target)
  }
  if (!intoFolder && to.endsWith('/'))
    throw new CliError(`${to} is no folder here.`, { next: `Make it first: mkdir -p ${to}`, code: 'not-a-directory' })
  const target = intoFolder ? join(to, name) : to
  const { mode, kind } = await files.stat(from)
  const bytes = await writeWhole(target, await files.read(from), kind === 'link' ? undefined : Number.parseInt(mode, 8))
  return { files: 1, bytes }
}

async function isFolderThere(files: Files, path: string): Promise<boolean> {
  const { kind } = await files.stat(path)
  if (kind !== 'link') return kind === 'directory'
  return files.list(path).then(
    () => true,
    () => false,
  )
}

async function isFolderHere(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  )
}

/** Until all of it has come, the old file stands. */
async function writeWhole(path: string, bytes: AsyncIterable<Uint8Array>, mode: number | undefined): Promise<number> {
  const draft = join(dirname(path), `.${basename(path)}.vm-${process.pid}`)
  try {
    const file = createWriteStream(draft)
    await pipeline(Readable.from(bytes, { objectMode: false }), file)
    if (mode !== undefined) await chmod(draft, mode)
    await rename(draft, path)
    return file.bytesWritten
  } catch (error) {
    await rm(draft, { force: true })
    throw error
  }
}

async function fetchFolder(files: Files, from: string, to: string): Promise<Copied> {
  const root = resolve(to)
  const copied = { files: 0, bytes: 0 }
  const tree = await files.readTree(from)
  await mkdir(root, { recursive: true })
  const tar = extract()
  const reading = pipeline(Readable.from(tree, { objectMode: false }), tar)
  reading.catch(() => {}) // the loop meets it too
  // From here to the loop nothing may be waited for: an entry that nobody hears of is lost.
  for await (const entry of tar) {
    const { name, type, mode, linkname } = entry.header
    const path = join(root, name)
    // A workspace is somebody else's: what it sends stays where it was asked for.
    if (path !== root && !path.startsWith(root + sep)) throw astray(name)
    await safeFolder(root, type === 'directory' ? path : dirname(path))
    if (type === 'file') {
      copied.bytes += await writeWhole(path, Readable.from(entry), mode)
      copied.files++
    } else if (type === 'symlink' && linkname) {
      await rm(path, { force: true })
      await symlink(linkname, path)
    }
    entry.resume()
  }
  await reading
  return copied
}

/** Makes a folder below `root`; a link on the way would lead what follows somewhere else. */
async function safeFolder(root: string, path: string): Promise<void> {
  const parts = path.slice(root.length).split(sep).filter(Boolean)
  let at = root
  for (const part of parts) {
    at = join(at, part)
    const there = await lstat(at).catch(() => undefined)
    if (there && !there.isDirectory()) throw astray(at)
    if (!there) await mkdir(at)
  }
}

function astray(name: string): CliError {
  return new CliError(`"${name}" leads out of the folder, or goes through a link.`, {
    next: 'Copy to an empty folder, or a part of it only.',
    code: 'path-outside',
  })
}
