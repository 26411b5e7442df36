import { once } from 'node:events'
import type { Stats } from 'node:fs'
import { lstat, open, readdir, readlink } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { addAbortSignal, PassThrough, Readable, pipeline } from 'node:stream'
import { pipeline as through } from 'node:stream/promises'
import { type Header, type Pack, pack } from 'tar-stream'
import { done } from '../../workspace/fault.ts'
import type { FileOutcome } from '../inside.ts'
import { refuse } from '../refused.ts'
import { locate } from './file-path.ts'
import { codeOf } from './system-error.ts'

/**
 * A tar stream of a file, or of what is in a directory. Links are taken as links; pipes, sockets and devices are left out. What is removed
 * on the way is left out as well, but a file that cannot be read whole fails the stream. May throw what the system says.
 */
export async function packTree(home: string, path: string, signal: AbortSignal): Promise<FileOutcome<Readable>> {
  const located = await locate(home, path, true)
  if (!located.ok) return located
  const place = located.value
  const stats = await lstat(place)
  if (!stats.isDirectory() && !stats.isFile()) return refuse('not-a-file', path)
  // One that may not be read is refused now, and not in mid-stream.
  if (stats.isDirectory()) await readdir(place)
  const { put, end, fail, out } = archive(signal)
  const work = stats.isDirectory() ? putAll(put, place, './') : put(place, basename(place))
  void work.then(end, fail)
  return done(out)
}

type Entry = Partial<Header> & Pick<Header, 'name'>
type Put = (place: string, name: string) => Promise<void>

async function putAll(put: Put, place: string, prefix: string): Promise<void> {
  for (const name of await readdir(place)) await put(join(place, name), `${prefix}${name}`)
}

function archive(signal: AbortSignal) {
  const tar = pack()
  const out = new PassThrough()
  const gone = new AbortController()
  out.once('close', () => gone.abort())
  addAbortSignal(signal, out)
  pipeline(tar, out, () => undefined)

  async function put(place: string, name: string): Promise<void> {
    // Headers alone are taken by the archive however slowly it is read.
    if (out.writableNeedDrain) await once(out, 'drain', { signal: gone.signal })
    const stats = await unlessGone(place)
    if (stats === null) return
    const header = { name, mode: stats.mode & 0o7777, mtime: stats.mtime }
    if (stats.isSymbolicLink()) await putBare(tar, { ...header, type: 'symlink', linkname: await readlink(place) })
    else if (stats.isFile()) await putFile(tar, place, header)
    else if (stats.isDirectory()) {
      await putBare(tar, { ...header, name: `${name}/`, type: 'directory' })
      await putAll(put, place, `${name}/`)
    }
  }

  return {
    out,
    put,
    end: () => tar.finalize(),
    fail: (error: unknown) => void out.destroy(error instanceof Error ? error : new Error(String(error))),
  }
}

function putBare(tar: Pack, header: Entry): Promise<void> {
  return new Promise((resolve, reject) => {
    tar.entry(header, (error) => (error ? reject(error) : resolve()))
  })
}

async function putFile(tar: Pack, place: string, header: Entry): Promise<void> {
  const file = await open(place, 'r')
  try {
    const { size } = await file.stat()
    const entry = tar.entry({ ...header, type: 'file', size })
    // One that has grown is cut where its header says, one that has shrunk fails.
    const bytes = size === 0 ? Readable.from([]) : file.createReadStream({ end: size - 1, autoClose: false })
    await through(bytes, entry)
  } finally {
    await file.close()
  }
}

async function unlessGone(path: string): Promise<Stats | null> {
  try {
    return await lstat(path)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null // Removed since its directory was read.
    throw error
  }
}
