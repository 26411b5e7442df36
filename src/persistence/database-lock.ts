import { chmodSync } from 'node:fs'
import Database from 'better-sqlite3'
import { errorCodeOf, DatabaseError } from './database-error.ts'

/**
 * Makes this process the only one that serves the database at `path` (law 10), until `release()` or the process's end, however it
 * ends: the lock is the operating system's, on `<path>.lock`, so none is ever left over.
 * @throws {DatabaseError} when another process holds it.
 */
export function lockDatabase(path: string): { release(): void } {
  const lock = new Database(`${path}.lock`, { timeout: 0 })
  try {
    lock.pragma('journal_mode = MEMORY') // nothing is ever written to it
    lock.exec('BEGIN EXCLUSIVE')
    chmodSync(`${path}.lock`, 0o600)
  } catch (error) {
    lock.close()
    if (errorCodeOf(error)?.startsWith('SQLITE_BUSY') !== true) throw error
    throw new DatabaseError(
      `Another process is serving the database ${path}. Stop it first, or give this one a database of its own with VM_API_DB_PATH.`,
      { cause: error },
    )
  }
  return { release: () => void lock.close() }
}
