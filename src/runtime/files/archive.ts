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
  /** The same archive, made anew of what was judged. It fails if the source does, or has something that is not taken. */
  readonly stream: Readable
  /** Why it has failed, for a person; `null` if it has not, or if it was only not read to its end. */
  rejectionReason(): string | null
}

/**
 * Checks a tar stream on its way. Nothing of it is held in memory but what is passed on just now, and the names of its links. The source is
 * read as fast as the stream is.
 */
export function validateArchive(source: Readable): ValidatedArchive {
  const output = new PassThrough()
  const packer = pack()
  const extractor = extract()
  const integrity = tarIntegrity(source)
  const closed = new AbortController()
  let reason: string | null = null
  pipeline(packer, output, () => undefined)
  output.on('error', () => {}) // it may fail before anybody reads it, who is told then; unheard, it would end the service
  // What it could not read; whoever stops reading this destroys it without an error.
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
    extraction.catch(() => undefined) // it is waited for below
    for await (const entry of extractor) {
      const { name, size, type } = entry.header
      integrity.setEntryEnd(entry.offset + tarHeaderBytes + (type === 'directory' ? 0 : size))
      const verdict = validateEntry(entry.header)
      if (verdict.kind === 'refused') throw new ArchiveRejection(`"${name}" ${verdict.reason}`)
      // Headers alone are taken however slowly they are read.
      if (output.writableNeedDrain) await once(output, 'drain', { signal: closed.signal })
      if (verdict.kind === 'taken') await packEntry(packer, verdict.header, entry)
      else entry.resume()
    }
    await extraction
    if (!integrity.isComplete()) throw new ArchiveRejection('it is cut off')
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
