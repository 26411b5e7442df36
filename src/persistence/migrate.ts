import { closeSync, fsyncSync, openSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { Database } from 'better-sqlite3'
import { DatabaseError, explainDatabaseError } from './database-error.ts'
import type { Migration } from './migrations.ts'

const maxBackups = 3

/** What a migration did: the schema's version before and after, and the backup that was taken if there was data. */
export interface MigrationResult {
  readonly from: number
  readonly to: number
  readonly backup: string | null
}

/**
 * Brings the schema up to the newest of `steps`, each in one transaction with its version. A database that holds data is copied
 * first, consistently, to `<path>.backup-v<version>-<time>` beside it; the newest three copies are kept.
 * @throws {DatabaseError} when the database was written by a newer version: going back is refused.
 */
export function migrate(db: Database, path: string, migrations: readonly Migration[], now: Date): MigrationResult {
  const from = schemaVersionOf(db)
  if (from > migrations.length)
    throw new DatabaseError(
      `The database ${path} has schema version ${from}, and this version of vm-api knows ${migrations.length} at most: a newer vm-api wrote it. Run that version, or restore the backup that was taken before the upgrade.`,
    )
  const backup = from > 0 && from < migrations.length ? backUp(db, path, from, now) : null
  try {
    for (const [index, migration] of migrations.entries()) if (index >= from) applyMigration(db, migration, index + 1)
  } catch (error) {
    // Nothing has changed, so the copy says nothing that the database does not: start after start would push the older ones out.
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
    const hint = currentVersion === 0 ? '' : ' The vm-api that wrote it can go on with it.'
    throw new DatabaseError(
      `The database ${db.name} could not be migrated to schema version ${version} (${name}) and stays at version ${currentVersion}: ${explainDatabaseError(error)}${hint}`,
      { cause: error },
    )
  }
}

function schemaVersionOf(db: Database): number {
  return Number(db.pragma('user_version', { simple: true }))
}

/** A consistent copy beside the database, whole and on disk, or none. */
function backUp(db: Database, path: string, version: number, now: Date): string {
  const backupPath = `${path}.backup-v${version}-${now.toISOString().replaceAll(/[-:.]/g, '')}`
  const partialPath = `${path}.backup-unfinished`
  rmSync(partialPath, { force: true })
  try {
    writeFileSync(partialPath, '', { mode: 0o600, flag: 'wx' }) // the copy is never readable for others, not even at first
    db.prepare('VACUUM INTO ?').run(partialPath)
    sync(partialPath) // SQLite does not do that for a copy
    renameSync(partialPath, backupPath)
    sync(dirname(backupPath))
    return backupPath
  } catch (error) {
    rmSync(partialPath, { force: true })
    throw new DatabaseError(
      `The database ${path} could not be copied before its migration, which was not begun: ${explainDatabaseError(error)}`,
      { cause: error },
    )
  }
}

function sync(path: string) {
  if (process.platform === 'win32') return // neither a folder nor a file that is open for reading can be synced there
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
    .toSorted((a, b) => timeOf(b).localeCompare(timeOf(a)))
  for (const outdated of backups.slice(maxBackups)) rmSync(join(folder, outdated), { force: true })
}

function timeOf(backup: string): string {
  return backup.slice(backup.lastIndexOf('-') + 1)
}
