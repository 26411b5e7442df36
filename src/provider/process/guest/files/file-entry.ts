import type { Stats } from 'node:fs'
import { lstat, readdir, readlink } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { FileEntry } from '../../../../workspace/file.ts'
import { mapLimited } from '../../host/map-limited.ts'
import { systemErrorCode } from '../../host/system-error.ts'

/** What is at a place, called by the last part of the path that was asked for. May throw what the system says. */
export async function readFileEntry(hostPath: string, path: string): Promise<FileEntry> {
  const stats = await lstat(hostPath)
  return fileEntryFromStats(basename(path), stats, stats.isSymbolicLink() ? await readlink(hostPath) : null)
}

export function fileEntryFromStats(name: string, stats: Stats, target: string | null): FileEntry {
  return {
    name,
    kind: fileKind(stats),
    bytes: stats.size,
    mode: stats.mode & 0o7777,
    modifiedAt: Math.floor(stats.mtimeMs),
    target,
  }
}

/** What is in a directory. May throw what the system says. */
export async function listFileEntries(hostPath: string): Promise<readonly FileEntry[]> {
  const entries = await mapLimited(await readdir(hostPath), 64, async (name) => {
    try {
      return fileEntryFromStats(name, await lstat(join(hostPath, name)), null)
    } catch (error) {
      if (systemErrorCode(error) === 'ENOENT') return null // Removed since the directory was read.
      throw error
    }
  })
  return entries.filter((entry) => entry !== null)
}

function fileKind(stats: Stats): FileEntry['kind'] {
  if (stats.isFile()) return 'file'
  if (stats.isDirectory()) return 'directory'
  return stats.isSymbolicLink() ? 'link' : 'other'
}
