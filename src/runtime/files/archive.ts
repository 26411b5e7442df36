import { once } from 'node:events'
import { PassThrough, pipeline } from 'node:stream'
import type { Readable } from 'node:stream'
import { pipeline as through } from 'node:stream/promises'
import type { ExtractEvents, Pack } from 'tar-stream'
import { extract, pack } from 'tar-stream'
import type { EntryHeader } from './archive-entry.ts'
import { entryValidator } from './archive-entry.ts'
import { tarIntegrity } from './tar-integrity.ts'

export interface ValidatedArchive {
  /** The archive, rebuilt from its accepted entries. It fails if the source fails, or has an entry that is rejected. */
  readonly stream: Readable
  /** Why the archive was rejected, for a person; `null` if it was not, or if its stream was not read to the end. */
  rejectionReason(): string | null
}

/**
 * Validates a tar stream as it passes. Only the chunk that is passed on and the names of links are held in memory. The source is read as fast
 * as the stream is.
 */
export function validateArchive(source: Readable): ValidatedArchive {
  const output = new PassThrough()
  const packer = pack()
  const extractor = extract()
  const integrity = tarIntegrity(source)
  const closed = new AbortController()
  let reason: string | null = null
  pipeline(packer, output, () => undefined)
  output.on('error', () => {}) // it may fail before it is read; an unhandled error would end the service
  // The extractor has an error only for what it could not read: a reader that stops destroys it without one.
  extractor.once('error', () => {
    reason ??= integrity.failureReason()
  })
  output.once('close', () => {
    closed.abort()
    extractor.destroy()
  })

  async function validate(): Promise<void> {
    const validateEntry = entryValidator()
    const extraction = through(integrity.bytes, extractor)
    extraction.catch(() => undefined) // awaited below
    for await (const entry of extractor) {
      const { name, size, type } = entry.header
      integrity.setEntryEnd(entry.offset + tarHeaderBytes + (type === 'directory' ? 0 : size))
      const verdict = validateEntry(entry.header)
      if (verdict.kind === 'rejected') throw new ArchiveRejection(`"${name}" ${verdict.reason}`)
      // The packer takes headers without backpressure.
      if (output.writableNeedDrain) await once(output, 'drain', { signal: closed.signal })
      if (verdict.kind === 'accepted') await packEntry(packer, verdict.header, entry)
      else entry.resume()
    }
    await extraction
    if (!integrity.isComplete()) throw new ArchiveRejection('it is truncated')
    packer.finalize()
  }

  validate().catch((error: unknown) => {
    if (error instanceof ArchiveRejection) reason = error.message
    extractor.destroy()
    output.destroy(error instanceof Error ? error : new Error(String(error)))
  })
  return { stream: output, rejectionReason: () => reason }
}

const tarHeaderBytes = 512

class ArchiveRejection extends Error {}

async function packEntry(packer: Pack, header: EntryHeader, entry: ExtractEvents['entry'][1]): Promise<void> {
  if (header.type === 'file') return through(entry, packer.entry(header))
  entry.resume()
  return new Promise((resolve, reject) => {
    packer.entry(header, (error) => (error ? reject(error) : resolve()))
  })
}
