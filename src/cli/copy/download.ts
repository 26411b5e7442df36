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

/** Copies a file or directory of a workspace to a local path, or to stdout. An existing local directory receives it under its own name. */
export async function downloadFromWorkspace(
  { out }: CommandContext,
  files: FilesApi,
  remotePath: string,
  localPath: string,
): Promise<CopySummary> {
  const isDirectory = await isRemoteDirectory(files, remotePath)
  if (localPath === '-') {
    let bytes = 0
    for await (const chunk of isDirectory ? await files.readTree(remotePath) : await files.read(remotePath)) {
      bytes += chunk.length
      await out.writeBytes('stdout', chunk)
    }
    return { files: 1, bytes }
  }
  const name = basename(posix.resolve('/', remotePath))
  const intoDirectory = await isLocalDirectory(localPath)
  if (isDirectory) {
    const target = intoDirectory && name !== '' && !/(^|\/)\.$/.test(remotePath) ? join(localPath, name) : localPath
    return await downloadDirectory(files, remotePath, target)
  }
  if (!intoDirectory && localPath.endsWith('/'))
    throw new CliError(`${localPath} is not a local directory.`, {
      next: `Create it with: mkdir -p ${localPath}`,
      code: 'not-a-directory',
    })
  const target = intoDirectory ? join(localPath, name) : localPath
  const { mode, kind } = await files.stat(remotePath)
  const bytes = await writeAtomically(
    target,
    await files.read(remotePath),
    kind === 'link' ? undefined : Number.parseInt(mode, 8),
  )
  return { files: 1, bytes }
}

async function isRemoteDirectory(files: FilesApi, path: string): Promise<boolean> {
  const { kind } = await files.stat(path)
  if (kind !== 'link') return kind === 'directory'
  return files.list(path).then(
    () => true,
    () => false,
  )
}

async function isLocalDirectory(path: string): Promise<boolean> {
  return stat(path).then(
    (stats) => stats.isDirectory(),
    () => false,
  )
}

/** Replaces a file only once the new one is complete. */
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

async function downloadDirectory(files: FilesApi, remotePath: string, localPath: string): Promise<CopySummary> {
  const root = resolve(localPath)
  const summary = { files: 0, bytes: 0 }
  const tree = await files.readTree(remotePath)
  await mkdir(root, { recursive: true })
  const tar = extract()
  const reading = pipeline(Readable.from(tree, { objectMode: false }), tar)
  reading.catch(() => {}) // the loop below fails with the same error
  // No `await` between here and the loop: entries that arrive before it starts would be lost.
  for await (const entry of tar) {
    const { name, type, mode, linkname } = entry.header
    const path = join(root, name)
    // A workspace is not trusted: it must not write outside the target.
    if (path !== root && !path.startsWith(root + sep)) throw pathOutside(name)
    await ensureDirectoryInside(root, type === 'directory' ? path : dirname(path))
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

/** Creates a directory below `root`. @throws {CliError} if a part of the path is a link, which could lead outside. */
async function ensureDirectoryInside(root: string, path: string): Promise<void> {
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
  return new CliError(`"${name}" is outside the target directory, or reached through a link.`, {
    next: 'Copy to an empty directory.',
    code: 'path-outside',
  })
}
