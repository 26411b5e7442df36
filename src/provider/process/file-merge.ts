import type { Stats } from 'node:fs'
import { chmod, lstat, readdir, rename, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { codeOf } from './system-error.ts'

/** The first path at which `from` has something else and `to` a directory; `null` if there is none. */
export async function clash(from: string, to: string, inner = ''): Promise<string | null> {
  for (const name of await readdir(from)) {
    const [ours, theirs] = [await lstat(join(from, name)), await unlessGone(join(to, name))]
    if (theirs?.isDirectory() !== true) continue
    if (!ours.isDirectory()) return join(inner, name)
    const deeper = await clash(join(from, name), join(to, name), join(inner, name))
    if (deeper !== null) return deeper
  }
  return null
}

/** Moves what is in `from` into `to`. Directories that are in both become one; links that are there are replaced, and not followed. */
export async function merge(from: string, to: string): Promise<void> {
  for (const name of await readdir(from)) {
    const [source, target] = [join(from, name), join(to, name)]
    const [ours, theirs] = [await lstat(source), await unlessGone(target)]
    if (ours.isDirectory() && theirs?.isDirectory() === true) {
      await merge(source, target)
      await chmod(target, ours.mode & 0o7777)
      continue
    }
    // A directory is not moved over a file.
    if (ours.isDirectory() && theirs !== null) await unlink(target)
    await rename(source, target)
  }
}

async function unlessGone(path: string): Promise<Stats | null> {
  try {
    return await lstat(path)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null
    throw error
  }
}
