import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { extract, pack } from 'tar-stream'
import { readBytes } from './guest-fixture.ts'

/** The fields of a tar entry that tests check. */
export type TarEntry =
  | { readonly name: string; readonly type: 'file'; readonly mode: number; readonly text: string }
  | { readonly name: string; readonly type: 'directory'; readonly mode: number }
  | { readonly name: string; readonly type: 'symlink' | 'link'; readonly linkname: string }
  | { readonly name: string; readonly type: 'fifo' | 'character-device' }

/** Packs the entries into a tar, in the given order. */
export async function packTar(entries: readonly TarEntry[]): Promise<Readable> {
  const archive = pack()
  const bytes = readBytes(Readable.from(archive, { objectMode: false }))
  for (const entry of entries)
    if (entry.type === 'file') archive.entry({ name: entry.name, mode: entry.mode }, entry.text)
    else archive.entry({ ...entry }) // tar-stream fills in missing fields
  archive.finalize()
  return Readable.from([await bytes], { objectMode: false })
}

/** The entries of a tar stream by name. */
export async function unpackTar(source: Readable): Promise<ReadonlyMap<string, TarEntry>> {
  const entries = new Map<string, TarEntry>()
  const archive = extract()
  const writing = pipeline(source, archive)
  for await (const entry of archive) {
    const { name, type, mode, linkname } = entry.header
    if (type === 'file')
      entries.set(name, { name, type, mode, text: (await readBytes(Readable.from(entry))).toString() })
    else {
      entry.resume()
      if (type === 'directory') entries.set(name, { name, type, mode })
      else if (type === 'symlink' || type === 'link') entries.set(name, { name, type, linkname })
    }
  }
  await writing
  return entries
}
