import type { Stats } from 'node:fs'
import { chmod, lstat, readdir, rename, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { systemErrorCode } from '../../host/system-error.ts'

/** The first path at which `from` has something else and `to` a directory; `null` if there is none. */
export async function findMergeConflict(from: string, to: string, prefix = ''): Promise<string | null> {
  for (const name of await readdir(from)) {
    const [sourceStats, targetStats] = [await lstat(join(from, name)), await lstatIfExists(join(to, name))]
    if (targetStats?.isDirectory() !== true) continue
    if (!sourceStats.isDirectory()) return join(prefix, name)
    const nestedConflict = await findMergeConflict(join(from, name), join(to, name), join(prefix, name))
    if (nestedConflict !== null) return nestedConflict
  }
  return null
}

/** Moves what is in `from` into `to`. Directories that are in both become one; links that are there are replaced, and not followed. */
export async function mergeTree(from: string, to: string): Promise<void> {
  for (const name of await readdir(from)) {
    const [source, target] = [join(from, name), join(to, name)]
    const [sourceStats, targetStats] = [await lstat(source), await lstatIfExists(target)]
    if (sourceStats.isDirectory() && targetStats?.isDirectory() === true) {
      await mergeTree(source, target)
      await chmod(target, sourceStats.mode & 0o7777)
      continue
    }
    // A directory is not moved over a file.
    if (sourceStats.isDirectory() && targetStats !== null) await unlink(target)
    await rename(source, target)
  }
}

async function lstatIfExists(path: string): Promise<Stats | null> {
  try {
    return await lstat(path)
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return null
    throw error
  }
}
