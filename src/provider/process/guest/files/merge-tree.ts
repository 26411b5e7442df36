import { chmod, lstat, readdir, rename, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { lstatIfExists } from './file-entry.ts'

/** The first path at which `to` has a directory and `from` something else; `null` if there is none. */
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

/** Moves the content of `from` into `to`. Merges directories; replaces existing links instead of following them. */
export async function mergeTree(from: string, to: string): Promise<void> {
  for (const name of await readdir(from)) {
    const [source, target] = [join(from, name), join(to, name)]
    const [sourceStats, targetStats] = [await lstat(source), await lstatIfExists(target)]
    if (sourceStats.isDirectory() && targetStats?.isDirectory() === true) {
      await mergeTree(source, target)
      await chmod(target, sourceStats.mode & 0o7777)
      continue
    }
    // rename(2) does not replace a file by a directory.
    if (sourceStats.isDirectory() && targetStats !== null) await unlink(target)
    await rename(source, target)
  }
}
