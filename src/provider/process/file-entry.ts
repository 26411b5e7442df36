import type { Stats } from 'node:fs'
import { lstat, readdir, readlink } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { FileEntry } from '../../workspace/file.ts'
import { mapLimited } from './map-limited.ts'
import { codeOf } from './system-error.ts'

/** What is at a place, called by the last part of the path that was asked for. May throw what the system says. */
export async function entryAt(place: string, path: string): Promise<FileEntry> {
  const stats = await lstat(place)
  return entryOf(basename(path), stats, stats.isSymbolicLink() ? await readlink(place) : null)
}

export function entryOf(name: string, stats: Stats, target: string | null): FileEntry {
  return {
    name,
    kind: kindOf(stats),
    bytes: stats.size,
    mode: stats.mode & 0o7777,
    modifiedAt: Math.floor(stats.mtimeMs),
    target,
  }
}

/** What is in a directory. May throw what the system says. */
export async function entriesIn(place: string): Promise<readonly FileEntry[]> {
  const entries = await mapLimited(await readdir(place), 64, async (name) => {
    try {
      return entryOf(name, await lstat(join(place, name)), null)
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return null // Removed since the directory was read.
      throw error
    }
  })
  return entries.filter((entry) => entry !== null)
}

function kindOf(stats: Stats): FileEntry['kind'] {
  if (stats.isFile()) return 'file'
  if (stats.isDirectory()) return 'directory'
  return stats.isSymbolicLink() ? 'link' : 'other'
}
