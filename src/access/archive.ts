import { once } from 'node:events'
import { PassThrough, pipeline } from 'node:stream'
import type { Readable } from 'node:stream'
import { pipeline as through } from 'node:stream/promises'
import type { ExtractEvents, Pack } from 'tar-stream'
import { extract, pack } from 'tar-stream'
import type { EntryHeader } from './archive-entry.ts'
import { entryJudge } from './archive-entry.ts'
import { tarFeed } from './tar-feed.ts'

export interface CheckedArchive {
  /** The same archive, made anew of what was judged. It fails if the source does, or has something that is not taken. */
  readonly stream: Readable
  /** Why it has failed, for a person; `null` if it has not, or if it was only not read to its end. */
  refusal(): string | null
}

/**
 * Checks a tar stream on its way. Nothing of it is held in memory but what is passed on just now, and the names of its links. The source is
 * read as fast as the stream is.
 */
export function checkArchive(source: Readable): CheckedArchive {
  const out = new PassThrough()
  const made = pack()
  const found = extract()
  const feed = tarFeed(source)
  const left = new AbortController()
  let why: string | null = null
  pipeline(made, out, () => undefined)
  out.on('error', () => {}) // it may fail before anybody reads it, who is told then; unheard, it would end the service
  // What it could not read; whoever stops reading this destroys it without an error.
  found.once('error', () => {
    why ??= feed.wrong()
  })
  out.once('close', () => {
    left.abort()
    found.destroy()
  })

  async function check(): Promise<void> {
    const judge = entryJudge()
    const feeding = through(feed.bytes, found)
    feeding.catch(() => undefined) // it is waited for below
    for await (const entry of found) {
      const { name, size, type } = entry.header
      feed.entryEndsAt(entry.offset + headerBytes + (type === 'directory' ? 0 : size))
      const judged = judge(entry.header)
      if (judged.kind === 'refused') throw new Refusal(`"${name}" ${judged.why}`)
      // Headers alone are taken however slowly they are read.
      if (out.writableNeedDrain) await once(out, 'drain', { signal: left.signal })
      if (judged.kind === 'taken') await put(made, judged.header, entry)
      else entry.resume()
    }
    await feeding
    if (!feed.isWhole()) throw new Refusal('it is cut off')
    made.finalize()
  }

  check().catch((error: unknown) => {
    if (error instanceof Refusal) why = error.message
    found.destroy()
    out.destroy(error instanceof Error ? error : new Error(String(error)))
  })
  return { stream: out, refusal: () => why }
}

const headerBytes = 512

class Refusal extends Error {}

async function put(made: Pack, header: EntryHeader, entry: ExtractEvents['entry'][1]): Promise<void> {
  if (header.type === 'file') return through(entry, made.entry(header))
  entry.resume()
  return new Promise((resolve, reject) => {
    made.entry(header, (error) => (error ? reject(error) : resolve()))
  })
}
