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
import { errorCodeOf, DatabaseError, explainDatabaseError, isCorruption } from './database-error.ts'
import { lockDatabase } from './database-lock.ts'
import type { MigrationResult } from './migrate.ts'
import { migrate } from './migrate.ts'
import type { Migration } from './migrations.ts'
import { migrations } from './migrations.ts'

/** Anybody may ask how it is, and each look costs a write. */
const probeIntervalMs = 500
/** A look never writes more than that, whatever was refused. */
const maxProbeBytes = 1024 * 1024

/** An open database: the connection, and what its opening did. */
export interface OpenDatabase {
  readonly db: Database
  readonly path: string
  readonly migration: MigrationResult
  /** What is wrong with it now, for everybody to read; `null` when it takes writes, is whole and its file is still the one at `path`. */
  fault(): string | null
  /** Why nothing may be written now, though it could: whoever looks for it later would not find it. `null` if it may. */
  writeBlocked(): string | null
  /** Told of what somebody who read it, or wrote so many bytes to it, has met: `trouble()` is to know of it. */
  reportFailure(error: unknown, bytes?: number): void
  /** Empties the write-ahead log into the file, so that the log does not grow without bound. Skipped while somebody reads. */
  checkpoint(): void
  /** Closes the connection and lets another process in. May be repeated. */
  close(): void
}

// WAL with a full sync is what makes an answered request survive a power cut; `busy_timeout` is short since waiting blocks everybody.
const pragmas = [
  'journal_mode = WAL',
  'synchronous = FULL',
  'busy_timeout = 250',
  'foreign_keys = ON',
  'trusted_schema = OFF',
  'journal_size_limit = 67108864',
]

/**
 * Opens the database at `path`, made with its folder (mode 0700, file 0600) if it is not there, migrated to the newest schema.
 * @throws {DatabaseError} when it cannot be used, with the reason and what to do; nothing is held then.
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

// Not `recursive`: where a folder can never be made (below /proc, say), Node's own loop does not end.
function ensureFolder(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) return
  if (dirname(path) !== path) ensureFolder(dirname(path))
  mkdirSync(path, { mode: 0o700 })
}

/** The file itself, behind links. What is not to be written is left as it is: a `chmod` here would undo what somebody meant. */
function ensureWritableFile(path: string): string {
  // Also behind a link that led nowhere: the lock lies beside the file itself, by whatever way that is reached (law 10).
  if (!existsSync(path)) closeSync(openSync(path, 'a', 0o600))
  const file = realpathSync(path)
  if (!statSync(file).isFile())
    throw new DatabaseError(`The database ${path} is no file. Set VM_API_DB_PATH to a file, existing or new.`)
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
    // It could not be started again either: what is written now would be lost with the file, when a backup is put in its place.
    if (corruption !== null) return corruption
    // A file that was removed or replaced under us would go on taking writes that nobody finds again.
    try {
      if (statSync(path).ino === inode) return null
    } catch {
      // not there, or not to be reached: either way the same to whoever wants to find what is written
    }
    return 'its file was removed or replaced while the service was running: restart the service'
  }

  function reportFailure(error: unknown, bytes = 0) {
    if (isCorruption(error)) corruption ??= explainDatabaseError(error)
    if (errorCodeOf(error)?.startsWith('SQLITE_CONSTRAINT') === true) return
    // A few bytes fit long after the disk has no room for a workspace: as much as was refused has to.
    failedWriteBytes = Math.max(failedWriteBytes, Math.min(bytes, maxProbeBytes))
    lastProbe.at = -Infinity
  }

  function probe(): string | null {
    try {
      const now = new Date().toISOString() // on a full disk it reads well
      probeWrite.run(now.padEnd(failedWriteBytes))
      if (failedWriteBytes > 0) probeWrite.run(now)
      failedWriteBytes = 0
      return null
    } catch (error) {
      reportFailure(error)
      return corruption ?? `${explainDatabaseError(error)} The service then goes on by itself.`
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
        // No `optimize`: what it learns of a database that is nearly empty has a history looked for in everybody's lines later.
        db.pragma('wal_checkpoint(TRUNCATE)')
      } catch {
        // Tidying up is no reason to fail: on a full disk, too, the next start finds everything in the log.
      }
      db.close()
      lock.release()
    },
  }
}
