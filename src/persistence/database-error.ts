/**
 * A database that the service cannot start with. The message says which file, why, and what to do next; it is for the operator's
 * terminal and never for a client.
 */
export class DatabaseError extends Error {
  override readonly name = 'DatabaseError'
}

/** SQLite's code of an error (`SQLITE_FULL`), or the system's (`EACCES`); `undefined` if it carries none. */
export function errorCodeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}

/** Does it say that the file itself is damaged, which no later success takes back? */
export function isCorruption(error: unknown): boolean {
  return /^SQLITE_(CORRUPT|NOTADB)/.test(errorCodeOf(error) ?? '')
}

/** What an error of SQLite or the file system means for the operator, with what to do. */
export function explainDatabaseError(error: unknown): string {
  const code = errorCodeOf(error) ?? ''
  const message = error instanceof Error ? error.message : String(error)
  for (const [prefix, advice] of adviceByCode) if (code.startsWith(prefix)) return `${message} (${code}). ${advice}`
  return code ? `${message} (${code}).` : `${message}.`
}

const adviceByCode: readonly (readonly [string, string])[] = [
  ['SQLITE_FULL', 'The disk is full: make room.'],
  ['SQLITE_READONLY', 'The file or its folder cannot be written: check owner, mode and mount.'],
  ['SQLITE_CANTOPEN', 'The file or its folder cannot be opened: check that it exists and its owner and mode.'],
  ['SQLITE_CORRUPT', 'The file is damaged: stop the service and restore a backup.'],
  ['SQLITE_NOTADB', 'The file is no SQLite database: check VM_API_DB_PATH, or restore a backup.'],
  ['SQLITE_BUSY', 'Another program holds the file: end it.'],
  ['SQLITE_IOERR_SHMSIZE', 'The disk is full: make room.'],
  ['SQLITE_IOERR', 'The disk does not read or write: check it and the mount.'],
  ['EACCES', 'Check the owner and mode of the file and its folder.'],
  ['EROFS', 'The file system is mounted read-only: mount it writable, or set VM_API_DB_PATH to a file elsewhere.'],
  ['ENOSPC', 'The disk is full: make room.'],
]
