import { closeSync, fsyncSync, openSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { Database } from 'better-sqlite3'
import { DatabaseError, explainDatabaseError } from './database-error.ts'
import type { Migration } from './migrations.ts'

const maxBackups = 3

/** The schema version before and after, and the backup that was taken if there was data. */
export interface MigrationResult {
  readonly from: number
  readonly to: number
  readonly backup: string | null
}

/**
 * Brings the schema to the newest version. Each migration runs in one transaction together with its version number. A database with
 * data is first copied to `<path>.backup-v<version>-<time>`; the newest three copies are kept.
 * @throws {DatabaseError} when a newer version of vm-api wrote the database, or a migration fails.
 */
export function migrate(db: Database, path: string, migrations: readonly Migration[], now: Date): MigrationResult {
  const from = schemaVersionOf(db)
  if (from > migrations.length)
    throw new DatabaseError(
      `The database ${path} has schema version ${from}, and this version of vm-api supports at most ${migrations.length}: a newer vm-api wrote it. Run that version, or restore the backup from before the upgrade.`,
    )
  const backup = from > 0 && from < migrations.length ? backUp(db, path, from, now) : null
  try {
    for (const [index, migration] of migrations.entries()) if (index >= from) applyMigration(db, migration, index + 1)
  } catch (error) {
    // The database is unchanged, so this copy is redundant, and repeated starts would push the older copies out.
    if (backup !== null && schemaVersionOf(db) === from) rmSync(backup, { force: true })
    throw error
  }
  if (backup !== null) pruneBackups(path)
  return { from, to: migrations.length, backup }
}

function applyMigration(db: Database, { name, sql }: Migration, version: number) {
  try {
    db.transaction(() => {
      db.exec(sql)
      db.pragma(`user_version = ${version}`)
    }).immediate()
  } catch (error) {
    const currentVersion = schemaVersionOf(db)
    const hint = currentVersion === 0 ? '' : ' The previous vm-api can still use it.'
    throw new DatabaseError(
      `The database ${db.name} could not be migrated to schema version ${version} (${name}) and stays at version ${currentVersion}: ${explainDatabaseError(error)}${hint}`,
      { cause: error },
    )
  }
}

function schemaVersionOf(db: Database): number {
  return Number(db.pragma('user_version', { simple: true }))
}

/** Creates a complete, synced copy beside the database, or none. */
function backUp(db: Database, path: string, version: number, now: Date): string {
  const backupPath = `${path}.backup-v${version}-${now.toISOString().replaceAll(/[-:.]/g, '')}`
  const partialPath = `${path}.backup-unfinished`
  rmSync(partialPath, { force: true })
  try {
    writeFileSync(partialPath, '', { mode: 0o600, flag: 'wx' }) // others can never read the copy
    db.prepare('VACUUM INTO ?').run(partialPath)
    sync(partialPath) // SQLite does not sync a copy
    renameSync(partialPath, backupPath)
    sync(dirname(backupPath))
    return backupPath
  } catch (error) {
    rmSync(partialPath, { force: true })
    throw new DatabaseError(
      `The database ${path} could not be copied, so its migration did not start: ${explainDatabaseError(error)}`,
      { cause: error },
    )
  }
}

function sync(path: string) {
  if (process.platform === 'win32') return // Windows syncs neither folders nor files open for reading
  const file = openSync(path, 'r')
  try {
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

function pruneBackups(path: string) {
  const folder = dirname(path)
  const backups = readdirSync(folder)
    .filter((name) => name.startsWith(`${basename(path)}.backup-v`))
    .toSorted((a, b) => timestampOf(b).localeCompare(timestampOf(a)))
  for (const outdated of backups.slice(maxBackups)) rmSync(join(folder, outdated), { force: true })
}

function timestampOf(backup: string): string {
  return backup.slice(backup.lastIndexOf('-') + 1)
}
