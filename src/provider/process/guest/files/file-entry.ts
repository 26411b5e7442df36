import type { Stats } from 'node:fs'
import { lstat, readdir, readlink } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { FileEntry } from '../../../../workspace/file.ts'
import { mapLimited } from '../../host/map-limited.ts'
import { systemErrorCode } from '../../host/system-error.ts'

/** Describes the file at `hostPath`, named by the last part of `path`. Throws system errors. */
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

/** Describes the files in a directory. Throws system errors. */
export async function listFileEntries(hostPath: string): Promise<readonly FileEntry[]> {
  const entries = await mapLimited(await readdir(hostPath), 64, async (name) => {
    const stats = await lstatIfExists(join(hostPath, name))
    return stats === null ? null : fileEntryFromStats(name, stats, null)
  })
  return entries.filter((entry) => entry !== null)
}

/** The attributes of a file, or of a link itself; `null` if it does not exist, or no longer does. */
export async function lstatIfExists(hostPath: string): Promise<Stats | null> {
  try {
    return await lstat(hostPath)
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return null
    throw error
  }
}

function fileKind(stats: Stats): FileEntry['kind'] {
  if (stats.isFile()) return 'file'
  if (stats.isDirectory()) return 'directory'
  return stats.isSymbolicLink() ? 'link' : 'other'
}
