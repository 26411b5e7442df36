import { createWriteStream } from 'node:fs'
import { chmod, lstat, mkdir, rename, rm, stat, symlink } from 'node:fs/promises'
import { basename, dirname, join, posix, resolve, sep } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { extract } from 'tar-stream'
import type { FilesApi } from '../../client/client.ts'
import { CliError } from '../cli-error.ts'
import type { CopySummary } from './upload.ts'
import type { CommandContext } from '../command-context.ts'

/** Copies a file or a folder of a workspace to a path here, or to stdout. A folder that is here takes it under its own name. */
export async function downloadFromWorkspace(
  { out }: CommandContext,
  files: FilesApi,
  remotePath: string,
  localPath: string,
): Promise<CopySummary> {
  const isFolder = await isRemoteFolder(files, remotePath)
  if (localPath === '-') {
    let bytes = 0
    for await (const chunk of isFolder ? await files.readTree(remotePath) : await files.read(remotePath)) {
      bytes += chunk.length
      await out.writeBytes('stdout', chunk)
    }
    return { files: 1, bytes }
  }
  const name = basename(posix.resolve('/', remotePath))
  const intoFolder = await isLocalFolder(localPath)
  if (isFolder) {
    const target = intoFolder && name !== '' && !/(^|\/)\.$/.test(remotePath) ? join(localPath, name) : localPath
    return await downloadFolder(files, remotePath, target)
  }
  if (!intoFolder && localPath.endsWith('/'))
    throw new CliError(`${localPath} is no folder here.`, {
      next: `Make it first: mkdir -p ${localPath}`,
      code: 'not-a-directory',
    })
  const target = intoFolder ? join(localPath, name) : localPath
  const { mode, kind } = await files.stat(remotePath)
  const bytes = await writeAtomically(
    target,
    await files.read(remotePath),
    kind === 'link' ? undefined : Number.parseInt(mode, 8),
  )
  return { files: 1, bytes }
}

async function isRemoteFolder(files: FilesApi, path: string): Promise<boolean> {
  const { kind } = await files.stat(path)
  if (kind !== 'link') return kind === 'directory'
  return files.list(path).then(
    () => true,
    () => false,
  )
}

async function isLocalFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (stats) => stats.isDirectory(),
    () => false,
  )
}

/** Until all of it has come, the old file stands. */
async function writeAtomically(
  path: string,
  bytes: AsyncIterable<Uint8Array>,
  mode: number | undefined,
): Promise<number> {
  const temporaryPath = join(dirname(path), `.${basename(path)}.vm-${process.pid}`)
  try {
    const file = createWriteStream(temporaryPath)
    await pipeline(Readable.from(bytes, { objectMode: false }), file)
    if (mode !== undefined) await chmod(temporaryPath, mode)
    await rename(temporaryPath, path)
    return file.bytesWritten
  } catch (error) {
    await rm(temporaryPath, { force: true })
    throw error
  }
}

async function downloadFolder(files: FilesApi, remotePath: string, localPath: string): Promise<CopySummary> {
  const root = resolve(localPath)
  const summary = { files: 0, bytes: 0 }
  const tree = await files.readTree(remotePath)
  await mkdir(root, { recursive: true })
  const tar = extract()
  const reading = pipeline(Readable.from(tree, { objectMode: false }), tar)
  reading.catch(() => {}) // the loop meets it too
  // From here to the loop nothing may be waited for: an entry that nobody hears of is lost.
  for await (const entry of tar) {
    const { name, type, mode, linkname } = entry.header
    const path = join(root, name)
    // A workspace is somebody else's: what it sends stays where it was asked for.
    if (path !== root && !path.startsWith(root + sep)) throw pathOutside(name)
    await ensureFolderInside(root, type === 'directory' ? path : dirname(path))
    if (type === 'file') {
      summary.bytes += await writeAtomically(path, Readable.from(entry), mode)
      summary.files++
    } else if (type === 'symlink' && linkname) {
      await rm(path, { force: true })
      await symlink(linkname, path)
    }
    entry.resume()
  }
  await reading
  return summary
}

/** Makes a folder below `root`; a link on the way would lead what follows somewhere else. */
async function ensureFolderInside(root: string, path: string): Promise<void> {
  const parts = path.slice(root.length).split(sep).filter(Boolean)
  let current = root
  for (const part of parts) {
    current = join(current, part)
    const stats = await lstat(current).catch(() => undefined)
    if (stats && !stats.isDirectory()) throw pathOutside(current)
    if (!stats) await mkdir(current)
  }
}

function pathOutside(name: string): CliError {
  return new CliError(`"${name}" leads out of the folder, or goes through a link.`, {
    next: 'Copy to an empty folder, or a part of it only.',
    code: 'path-outside',
  })
}
