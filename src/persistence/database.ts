import {
  accessSync,
  chmodSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  realpathSync,
  statSync,
} from 'node:fs'
import { dirname } from 'node:path'
import BetterSqlite3 from 'better-sqlite3'
import type { Database } from 'better-sqlite3'
import { DatabaseError, errorCodeOf, explainDatabaseError, isCorruption, type ReportFailure } from './database-error.ts'
import type { MigrationResult } from './migrate.ts'
import { migrate } from './migrate.ts'
import type { Migration } from './migrations.ts'
import { migrations } from './migrations.ts'

/** Limits how often `fault()` probes: anyone may ask for readiness, and each probe costs a write. */
const probeIntervalMs = 500
/** A probe never writes more, whatever the size of the failed write. */
const maxProbeBytes = 1024 * 1024

/** An open database. */
export interface OpenDatabase {
  readonly db: Database
  readonly path: string
  readonly migration: MigrationResult
  /** Why the database does not work now, as a text for every client; `null` when it takes writes and its file is intact and in place. */
  fault(): string | null
  /** Why nothing may be written now, even if SQLite would accept it: the write would be lost later. `null` if writing is safe. */
  writeBlocked(): string | null
  /** Takes the error of a read, or of a write of `bytes` bytes, so that `fault()` accounts for it. */
  readonly reportFailure: ReportFailure
  /** Moves the write-ahead log into the file, which bounds the log's size. Does nothing while another connection reads. */
  checkpoint(): void
  /** Closes the connection and releases the lock. May be repeated. */
  close(): void
}

// WAL with a full sync makes an acknowledged write survive a power cut. `busy_timeout` is short because waiting blocks every request.
const pragmas = [
  'journal_mode = WAL',
  'synchronous = FULL',
  'busy_timeout = 250',
  'foreign_keys = ON',
  'trusted_schema = OFF',
  'journal_size_limit = 67108864',
]

/**
 * Opens the database at `path` and migrates it to the newest schema. Creates a missing file (mode 0600) and its folder (0700).
 * @throws {DatabaseError} when the database cannot be used, with the reason and the next step. No lock is held then.
 */
export function openDatabase(
  path: string,
  schemaMigrations: readonly Migration[] = migrations,
  now = new Date(),
): OpenDatabase {
  let lock: { release(): void } | undefined
  let db: Database | undefined
  try {
    ensureFolder(dirname(path))
    const file = ensureWritableFile(path)
    lock = lockDatabase(file)
    db = new BetterSqlite3(file)
    chmodSync(file, 0o600)
    for (const pragma of pragmas) db.pragma(pragma)
    const check = String(db.pragma('quick_check(1)', { simple: true }))
    if (check !== 'ok') throw new DatabaseError(`The database ${file} is damaged: ${check}. Restore a backup.`)
    return databaseHandle(db, lock, file, migrate(db, file, schemaMigrations, now))
  } catch (error) {
    db?.close()
    lock?.release()
    if (error instanceof DatabaseError) throw error
    throw new DatabaseError(`The database ${path} cannot be used: ${explainDatabaseError(error)}`, { cause: error })
  }
}

// Without `recursive`: where no folder can be created (below /proc, for example), Node's own loop never ends.
function ensureFolder(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) return
  if (dirname(path) !== path) ensureFolder(dirname(path))
  mkdirSync(path, { mode: 0o700 })
}

/**
 * Makes this process the only one that serves the database at `path` (law 10), until `release()` or the end of the process. The lock is
 * the operating system's, on `<path>.lock`, so a killed process leaves none behind.
 * @throws {DatabaseError} when another process holds the lock.
 */
function lockDatabase(path: string): { release(): void } {
  const lock = new BetterSqlite3(`${path}.lock`, { timeout: 0 })
  try {
    lock.pragma('journal_mode = MEMORY') // nothing is ever written to the lock file
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

/** Resolves links to the file itself. A read-only file stays read-only: its mode is the operator's decision. */
function ensureWritableFile(path: string): string {
  // Also behind a dangling link: the lock lies beside the file itself, whatever path leads to it (law 10).
  if (!existsSync(path)) closeSync(openSync(path, 'a', 0o600))
  const file = realpathSync(path)
  if (!statSync(file).isFile())
    throw new DatabaseError(`The database ${path} is not a file. Set VM_API_DB_PATH to a file, existing or new.`)
  accessSync(file, constants.R_OK | constants.W_OK)
  return file
}

function databaseHandle(
  db: Database,
  lock: { release(): void },
  path: string,
  migration: MigrationResult,
): OpenDatabase {
  const inode = statSync(path).ino
  const probeWrite = db.prepare(`INSERT OR REPLACE INTO installation (key, value) VALUES ('checked', ?)`)
  let corruption: string | null = null
  let failedWriteBytes = 0
  let lastProbe = { at: -Infinity, fault: null as string | null }

  function writeBlocked(): string | null {
    // The service could not start with this file again, and a restored backup would lose what is written now.
    if (corruption !== null) return corruption
    // A file that was removed or replaced still accepts writes through the open handle, and they are lost.
    try {
      if (statSync(path).ino === inode) return null
    } catch {
      // missing or unreachable: a write would be lost either way
    }
    return 'its file was removed or replaced while the service was running: restart the service'
  }

  function reportFailure(error: unknown, bytes = 0) {
    if (isCorruption(error)) corruption ??= explainDatabaseError(error)
    if (errorCodeOf(error)?.startsWith('SQLITE_CONSTRAINT') === true) return
    // A few bytes still fit when the disk has no room for a workspace, so the probe writes as much as the failed write.
    failedWriteBytes = Math.max(failedWriteBytes, Math.min(bytes, maxProbeBytes))
    lastProbe.at = -Infinity
  }

  function probe(): string | null {
    try {
      const now = new Date().toISOString()
      probeWrite.run(now.padEnd(failedWriteBytes))
      if (failedWriteBytes > 0) probeWrite.run(now)
      failedWriteBytes = 0
      return null
    } catch (error) {
      reportFailure(error)
      return corruption ?? `${explainDatabaseError(error)} The service then recovers by itself.`
    }
  }

  return {
    db,
    path,
    migration,
    writeBlocked,
    reportFailure,
    fault() {
      const blocked = writeBlocked()
      if (blocked !== null) return blocked
      const at = performance.now()
      if (at - lastProbe.at > probeIntervalMs) {
        const fault = probe()
        lastProbe = { at, fault }
      }
      return lastProbe.fault
    },
    checkpoint: () => void db.pragma('wal_checkpoint(PASSIVE)'),
    close() {
      if (!db.open) return
      try {
        // No `PRAGMA optimize`: statistics of a nearly empty database make SQLite scan the whole journal for one history later.
        db.pragma('wal_checkpoint(TRUNCATE)')
      } catch {
        // A failed checkpoint loses nothing, on a full disk either: the next start reads the log.
      }
      db.close()
      lock.release()
    },
  }
}
