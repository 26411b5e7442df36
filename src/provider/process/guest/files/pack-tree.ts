import { once } from 'node:events'
import { lstat, open, readdir, readlink } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { addAbortSignal, PassThrough, Readable, pipeline } from 'node:stream'
import { pipeline as through } from 'node:stream/promises'
import { type Header, type Pack, pack } from 'tar-stream'
import { ok } from '../../../../workspace/fault.ts'
import type { FileOutcome } from '../../../guest.ts'
import { refuseFile } from '../../../refuse-file.ts'
import { lstatIfExists } from './file-entry.ts'
import { resolveInHome } from './resolve-path.ts'

/**
 * Packs a file, or the content of a directory, into a tar stream. Links are packed as links; pipes, sockets, devices, and files that are
 * removed meanwhile are left out. A file that cannot be read whole fails the stream. Throws system errors.
 */
export async function packTree(home: string, path: string, signal: AbortSignal): Promise<FileOutcome<Readable>> {
  const location = await resolveInHome(home, path, true)
  if (!location.ok) return location
  const hostPath = location.value
  const stats = await lstat(hostPath)
  if (!stats.isDirectory() && !stats.isFile()) return refuseFile('not-a-file', path)
  // An unreadable directory is refused now rather than in mid-stream.
  if (stats.isDirectory()) await readdir(hostPath)
  const { put, end, fail, out } = createArchive(signal)
  const packing = stats.isDirectory() ? putChildren(put, hostPath, './') : put(hostPath, basename(hostPath))
  void packing.then(end, fail)
  return ok(out)
}

type TarHeader = Partial<Header> & Pick<Header, 'name'>
type PutEntry = (hostPath: string, name: string) => Promise<void>

async function putChildren(putEntry: PutEntry, hostPath: string, prefix: string): Promise<void> {
  for (const name of await readdir(hostPath)) await putEntry(join(hostPath, name), `${prefix}${name}`)
}

function createArchive(signal: AbortSignal) {
  const tar = pack()
  const out = new PassThrough()
  const closeController = new AbortController()
  out.once('close', () => closeController.abort())
  addAbortSignal(signal, out)
  pipeline(tar, out, () => undefined)

  async function put(hostPath: string, name: string): Promise<void> {
    // The archive takes headers without backpressure.
    if (out.writableNeedDrain) await once(out, 'drain', { signal: closeController.signal })
    const stats = await lstatIfExists(hostPath)
    if (stats === null) return
    const header = { name, mode: stats.mode & 0o7777, mtime: stats.mtime }
    if (stats.isSymbolicLink()) await putHeader(tar, { ...header, type: 'symlink', linkname: await readlink(hostPath) })
    else if (stats.isFile()) await putFile(tar, hostPath, header)
    else if (stats.isDirectory()) {
      await putHeader(tar, { ...header, name: `${name}/`, type: 'directory' })
      await putChildren(put, hostPath, `${name}/`)
    }
  }

  return {
    out,
    put,
    end: () => tar.finalize(),
    fail: (error: unknown) => void out.destroy(error instanceof Error ? error : new Error(String(error))),
  }
}

function putHeader(tar: Pack, header: TarHeader): Promise<void> {
  return new Promise((resolve, reject) => {
    tar.entry(header, (error) => (error ? reject(error) : resolve()))
  })
}

async function putFile(tar: Pack, hostPath: string, header: TarHeader): Promise<void> {
  const file = await open(hostPath, 'r')
  try {
    const { size } = await file.stat()
    const entry = tar.entry({ ...header, type: 'file', size })
    // A file that has grown is cut at the size in its header; one that has shrunk fails.
    const bytes = size === 0 ? Readable.from([]) : file.createReadStream({ end: size - 1, autoClose: false })
    await through(bytes, entry)
  } finally {
    await file.close()
  }
}
