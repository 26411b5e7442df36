import { chmod, link, lstat, mkdir, open, symlink, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { ExtractEvents } from 'tar-stream'
import { type Refused, refuse } from '../refused.ts'
import { codeOf } from './system-error.ts'

/** Puts one entry of a tar stream into a directory of its own, or says why not. Nothing is written through a link. May throw what the system says. */
export async function putEntry(draft: string, entry: ExtractEvents['entry'][1]): Promise<Refused | null> {
  const { name, type, linkname, mode, mtime } = entry.header
  const parts = partsOf(name)
  if (parts === null) return refuse('outside', name)
  const refused = await makeAbove(draft, parts, name)
  if (refused !== null) return refused
  const place = join(draft, ...parts)
  if (type === 'file' || type === 'contiguous-file') {
    await makeWay(place)
    const file = await open(place, 'wx', 0o600)
    try {
      for await (const bytes of entry) if (Buffer.isBuffer(bytes)) await file.writeFile(bytes)
      await file.chmod(mode & 0o777)
      await file.utimes(mtime, mtime)
    } finally {
      await file.close()
    }
    return null
  }
  entry.resume()
  if (type === 'directory') {
    if (parts.length === 0) return null
    await mkdir(place, { recursive: true })
    // What is in it has yet to be put there, and to be moved.
    await chmod(place, (mode & 0o777) | 0o700)
    return null
  }
  if (type === 'symlink') {
    if (!staysIn(parts.length - 1, linkname)) return refuse('outside', name, 'a link that leads out')
    await makeWay(place)
    await symlink(linkname, place)
    return null
  }
  return type === 'link' ? putHardLink(draft, name, place, linkname) : refuse('impossible', name)
}

async function putHardLink(draft: string, name: string, place: string, to: string): Promise<Refused | null> {
  const parts = partsOf(to)
  if (parts === null) return refuse('outside', name, 'a link that leads out')
  const refused = await makeAbove(draft, parts, name)
  if (refused !== null) return refused
  const other = join(draft, ...parts)
  if (!(await lstat(other)).isFile()) return refuse('impossible', name, 'a hard link to what is no file')
  if (other === place) return null
  await makeWay(place)
  await link(other, place)
  return null
}

/** The parts of a relative path; `null` if it is not one, or may lead out. */
function partsOf(name: string): readonly string[] | null {
  const parts = name.split('/').filter((part) => part !== '' && part !== '.')
  return name.startsWith('/') || name.includes('\0') || parts.includes('..') ? null : parts
}

/** Does a link that lies so many directories deep stay in the tree, as it is written? */
function staysIn(depth: number, to: string): boolean {
  if (to === '' || to.startsWith('/') || to.includes('\0')) return false
  let at = depth
  for (const part of to.split('/')) {
    if (part === '..') at -= 1
    else if (part !== '' && part !== '.') at += 1
    if (at < 0) return false
  }
  return true
}

async function makeAbove(draft: string, parts: readonly string[], name: string): Promise<Refused | null> {
  let above = draft
  for (const part of parts.slice(0, -1)) {
    above = join(above, part)
    try {
      const found = await lstat(above)
      if (!found.isDirectory()) return refuse('not-a-directory', name)
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error
      await mkdir(above)
    }
  }
  return null
}

/** An archive may hold the same name twice: the later one counts. */
async function makeWay(place: string): Promise<void> {
  try {
    await unlink(place)
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error
  }
}
