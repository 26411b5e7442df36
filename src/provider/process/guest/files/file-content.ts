import { constants } from 'node:fs'
import { copyFile, type FileHandle, open, rename, rm } from 'node:fs/promises'
import { basename } from 'node:path'
import { addAbortSignal, Readable } from 'node:stream'
import { ok, fault } from '../../../../workspace/fault.ts'
import type { FileEntry } from '../../../../workspace/file.ts'
import type { FileOutcome } from '../../../guest.ts'
import { refuseFile } from '../../../refuse-file.ts'
import { type WorkspaceDirectory, newTemporaryPath } from '../../keeper/workspace-directory.ts'
import { fileEntryFromStats, lstatIfExists } from './file-entry.ts'
import { resolveInHome } from './resolve-path.ts'

const chunkBytes = 64 * 1024

/** Reads a file up to its present size. The stream fails if the file gets shorter meanwhile. Throws system errors. */
export async function readFileContent(
  { home }: WorkspaceDirectory,
  path: string,
  signal: AbortSignal,
): Promise<FileOutcome<{ readonly entry: FileEntry; readonly bytes: Readable }>> {
  const location = await resolveInHome(home, path, true)
  if (!location.ok) return location
  // Without O_NONBLOCK, opening a named pipe waits for a writer.
  const file = await open(location.value, constants.O_RDONLY | constants.O_NONBLOCK)
  const stats = await file.stat()
  if (!stats.isFile()) {
    await file.close()
    return refuseFile('not-a-file', path)
  }
  const bytes = Readable.from(readChunks(file, stats.size), { objectMode: false })
  bytes.once('close', () => void file.close())
  addAbortSignal(signal, bytes)
  return ok({ entry: fileEntryFromStats(basename(path), stats, null), bytes })
}

async function* readChunks(file: FileHandle, size: number): AsyncGenerator<Buffer> {
  for (let offset = 0; offset < size; ) {
    const length = Math.min(chunkBytes, size - offset)
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(length), 0, length, offset)
    if (bytesRead === 0) throw new Error('The file got shorter while it was read.')
    offset += bytesRead
    yield buffer.subarray(0, bytesRead)
  }
}

/** Replaces a file or appends to it, atomically: nothing changes unless `source` ends without an error. Throws system errors. */
export async function writeFileContent(
  directory: WorkspaceDirectory,
  path: string,
  source: Readable,
  options: { readonly append: boolean; readonly mode: number | null },
  signal: AbortSignal,
): Promise<FileOutcome<void>> {
  const location = await resolveInHome(directory.home, path, true)
  if (!location.ok) return location
  const hostPath = location.value
  const existing = await lstatIfExists(hostPath)
  if (existing !== null && !existing.isFile()) return refuseFile('not-a-file', path)
  const temporaryPath = await newTemporaryPath(directory)
  try {
    if (options.append && existing !== null) await copyFile(hostPath, temporaryPath, constants.COPYFILE_FICLONE)
    const file = await open(temporaryPath, 'a', 0o600)
    try {
      const interruption = await writeStreamToFile(file, source, signal)
      if (interruption !== null) return fault('transient', `${path} was not written: ${interruption}`)
      await file.chmod(options.mode ?? (existing === null ? 0o644 : existing.mode & 0o7777))
    } finally {
      await file.close()
    }
    await rename(temporaryPath, hostPath)
    return ok(undefined)
  } finally {
    await rm(temporaryPath, { force: true })
  }
}

/** Writes a stream to a file. Returns why the stream was incomplete, else `null`. Throws system errors of the file. */
export async function writeStreamToFile(
  file: FileHandle,
  source: Readable,
  signal: AbortSignal,
): Promise<string | null> {
  let writeFailure: { readonly error: unknown } | null = null
  try {
    for await (const bytes of addAbortSignal(signal, source)) {
      try {
        await file.writeFile(bytes)
      } catch (error) {
        writeFailure = { error }
        break
      }
    }
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
  if (writeFailure !== null) throw writeFailure.error
  return signal.aborted ? 'the request was cancelled' : null
}
