/**
 * The service cannot start with this database. The message names the file, the reason and the next step. It is written for the
 * operator's terminal and is never sent to a client.
 */
export class DatabaseError extends Error {
  override readonly name = 'DatabaseError'
}

/** The code that SQLite (`SQLITE_FULL`) or the system (`EACCES`) gave an error; `undefined` if the error carries none. */
export function errorCodeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}

/** Tells whether the error means that the file itself is damaged. No later success takes that back. */
export function isCorruption(error: unknown): boolean {
  return /^SQLITE_(CORRUPT|NOTADB)/.test(errorCodeOf(error) ?? '')
}

/** Explains an error of SQLite or of the file system to the operator, with the next step. */
export function explainDatabaseError(error: unknown): string {
  const code = errorCodeOf(error) ?? ''
  const message = error instanceof Error ? error.message : String(error)
  for (const [prefix, advice] of adviceByCode) if (code.startsWith(prefix)) return `${message} (${code}). ${advice}`
  return code ? `${message} (${code}).` : `${message}.`
}

const adviceByCode: readonly (readonly [string, string])[] = [
  ['SQLITE_FULL', 'The disk is full: free some space.'],
  ['SQLITE_READONLY', 'The file or its folder is not writable: check owner, mode and mount.'],
  ['SQLITE_CANTOPEN', 'The file or its folder cannot be opened: check that it exists, and its owner and mode.'],
  ['SQLITE_CORRUPT', 'The file is damaged: stop the service and restore a backup.'],
  ['SQLITE_NOTADB', 'The file is not an SQLite database: check VM_API_DB_PATH, or restore a backup.'],
  ['SQLITE_BUSY', 'Another program holds the file: stop that program.'],
  ['SQLITE_IOERR_SHMSIZE', 'The disk is full: free some space.'],
  ['SQLITE_IOERR', 'The disk cannot be read or written: check the disk and its mount.'],
  ['EACCES', 'Check the owner and mode of the file and its folder.'],
  ['EROFS', 'The file system is mounted read-only: mount it writable, or set VM_API_DB_PATH to a file elsewhere.'],
  ['ENOSPC', 'The disk is full: free some space.'],
]

/** Takes an error of a read or write; `bytes` is the size of the write that failed. */
export type ReportFailure = (error: unknown, bytes?: number) => void

/** Returns a wrapper for a store's methods: what a wrapped method throws is reported first. */
export function failureGuard(reportFailure: ReportFailure) {
  return <A extends readonly unknown[], R>(method: (...args: A) => R) =>
    (...args: A): R => {
      try {
        return method(...args)
      } catch (error) {
        reportFailure(error)
        throw error
      }
    }
}
