import { createReadStream } from 'node:fs'
import { lstat, readdir, readlink, stat } from 'node:fs/promises'
import { basename, join, posix, resolve as resolvePath } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Pack } from 'tar-stream'
import { pack } from 'tar-stream'
import type { FilesApi } from '../../client/client.ts'
import { ApiError } from '../../client/api-error.ts'
import { CliError } from '../cli-error.ts'
import type { CommandContext } from '../command-context.ts'

export interface CopySummary {
  readonly files: number
  readonly bytes: number
}

/** Copies a local file or directory, or stdin, to a path in a workspace. An existing directory receives it under its own name. */
export async function uploadToWorkspace(
  { environment }: CommandContext,
  files: FilesApi,
  localPath: string,
  remotePath: string,
): Promise<CopySummary> {
  if (localPath === '-') {
    const countedSource = countBytes(environment.stdin)
    await files.write(remotePath, countedSource.bytes)
    return { files: 1, bytes: countedSource.total() }
  }
  const localStats = await stat(localPath)
  const name = basename(resolvePath(localPath))
  const intoDirectory = remotePath.endsWith('/') || (await isRemoteDirectory(files, remotePath))
  if (localStats.isDirectory()) {
    // `directory/.` means its contents, as with cp.
    const target = intoDirectory && !/(^|\/)\.$/.test(localPath) ? posix.join(remotePath, name) : remotePath
    return await uploadDirectory(files, localPath, target)
  }
  if (!localStats.isFile())
    throw new CliError(`${localPath} is neither a file nor a directory.`, {
      next: 'Pipe its contents into: vm cp - NAME:PATH',
      code: 'not-a-file',
    })
  const countedSource = countBytes(createReadStream(localPath))
  const mode = (localStats.mode & 0o777).toString(8).padStart(4, '0')
  await files.write(intoDirectory ? posix.join(remotePath, name) : remotePath, countedSource.bytes, { mode })
  return { files: 1, bytes: countedSource.total() }
}

async function isRemoteDirectory(files: FilesApi, path: string): Promise<boolean> {
  try {
    const entry = await files.stat(path)
    if (entry.kind !== 'link') return entry.kind === 'directory'
    await files.list(path)
    return true
  } catch (error) {
    if (error instanceof ApiError && error.status >= 400 && error.status < 500 && error.code !== 'refused-in-state')
      return false
    throw error
  }
}

async function uploadDirectory(files: FilesApi, localPath: string, remotePath: string): Promise<CopySummary> {
  const tar = pack()
  const summary = { files: 0, bytes: 0 }
  const packing = packDirectory(tar, localPath, '.', summary).then(
    () => tar.finalize(),
    (error: unknown) => tar.destroy(error instanceof Error ? error : new Error(String(error))),
  )
  let packError: unknown
  tar.on('error', (error) => (packError = error))
  try {
    await files.writeTree(remotePath, Readable.from(tar))
  } catch (error) {
    throw packError ?? error // a local file that cannot be read is the cause of the aborted request
  }
  await packing
  return summary
}

async function packDirectory(
  tar: Pack,
  root: string,
  path: string,
  summary: { files: number; bytes: number },
): Promise<void> {
  for (const name of await readdir(join(root, path))) {
    const inner = `${path}/${name}`
    const full = join(root, inner)
    const entry = await lstat(full)
    const { mode, mtime, size } = entry
    const header = { name: inner, mode: mode & 0o777, mtime }
    if (entry.isDirectory()) {
      await addTarEntry(tar, { ...header, type: 'directory' })
      await packDirectory(tar, root, inner, summary)
    } else if (entry.isSymbolicLink())
      await addTarEntry(tar, { ...header, type: 'symlink', linkname: await readlink(full) })
    else if (entry.isFile()) {
      await pipeline(createReadStream(full), tar.entry({ ...header, size, type: 'file' }))
      summary.files++
      summary.bytes += size
    }
  }
}

function addTarEntry(
  tar: Pack,
  header: { name: string; mode: number; mtime: Date; type: 'directory' | 'symlink'; linkname?: string },
): Promise<void> {
  return new Promise((resolve, reject) => tar.entry(header, (error) => (error ? reject(error) : resolve())))
}

function countBytes(source: AsyncIterable<Uint8Array>): { readonly bytes: AsyncIterable<Uint8Array>; total(): number } {
  let total = 0
  async function* bytes() {
    for await (const chunk of source) {
      total += chunk.length
      yield chunk
    }
  }
  return { bytes: bytes(), total: () => total }
}
