import { constants } from 'node:fs'
import { copyFile, type FileHandle, lstat, open, rename, rm } from 'node:fs/promises'
import { basename } from 'node:path'
import { addAbortSignal, Readable } from 'node:stream'
import { done, fault } from '../../workspace/fault.ts'
import type { FileEntry } from '../../workspace/file.ts'
import type { FileOutcome } from '../inside.ts'
import { refuse } from '../refused.ts'
import { type Directory, newIncoming } from './directory.ts'
import { entryOf } from './file-entry.ts'
import { locate } from './file-path.ts'
import { codeOf } from './system-error.ts'

const pieceBytes = 64 * 1024

/** A file's bytes, as many as it has now: a file that becomes shorter meanwhile fails the stream. May throw what the system says. */
export async function readBytes(
  { home }: Directory,
  path: string,
  signal: AbortSignal,
): Promise<FileOutcome<{ readonly entry: FileEntry; readonly bytes: Readable }>> {
  const located = await locate(home, path, true)
  if (!located.ok) return located
  // A pipe would not be opened before somebody writes to it.
  const file = await open(located.value, constants.O_RDONLY | constants.O_NONBLOCK)
  const stats = await file.stat()
  if (!stats.isFile()) {
    await file.close()
    return refuse('not-a-file', path)
  }
  const bytes = Readable.from(pieces(file, stats.size), { objectMode: false })
  bytes.once('close', () => void file.close())
  addAbortSignal(signal, bytes)
  return done({ entry: entryOf(basename(path), stats, null), bytes })
}

async function* pieces(file: FileHandle, bytes: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes; ) {
    const wanted = Math.min(pieceBytes, bytes - at)
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(wanted), 0, wanted, at)
    if (bytesRead === 0) throw new Error('The file became shorter while it was read.')
    at += bytesRead
    yield buffer.subarray(0, bytesRead)
  }
}

/** Writes or appends; the old file stands until the source has ended well. May throw what the system says. */
export async function writeBytes(
  directory: Directory,
  path: string,
  source: Readable,
  how: { readonly append: boolean; readonly mode: number | null },
  signal: AbortSignal,
): Promise<FileOutcome<void>> {
  const located = await locate(directory.home, path, true)
  if (!located.ok) return located
  const place = located.value
  const old = await lstat(place).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return null
    throw error
  })
  if (old !== null && !old.isFile()) return refuse('not-a-file', path)
  const draft = await newIncoming(directory)
  try {
    if (how.append && old !== null) await copyFile(place, draft, constants.COPYFILE_FICLONE)
    const file = await open(draft, 'a', 0o600)
    try {
      const cut = await takeAll(file, source, signal)
      if (cut !== null) return fault('later', `${path} was not written: ${cut}`)
      await file.chmod(how.mode ?? (old === null ? 0o644 : old.mode & 0o7777))
    } finally {
      await file.close()
    }
    await rename(draft, place)
    return done(undefined)
  } finally {
    await rm(draft, { force: true })
  }
}

/** Puts all that comes into a file; why it was cut off, if it was. Throws what the system says of the file. */
export async function takeAll(file: FileHandle, source: Readable, signal: AbortSignal): Promise<string | null> {
  let failed: { readonly error: unknown } | null = null
  try {
    for await (const bytes of addAbortSignal(signal, source)) {
      try {
        await file.writeFile(bytes)
      } catch (error) {
        failed = { error }
        break
      }
    }
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
  if (failed !== null) throw failed.error
  return signal.aborted ? 'nobody waits for it any more' : null
}
