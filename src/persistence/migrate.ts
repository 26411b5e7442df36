import { chmodSync, readdirSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { Database } from 'better-sqlite3'
import { DatabaseError } from './database-error.ts'
import type { Migration } from './migrations.ts'

const backupsKept = 3

/** What a migration did: the schema's version before and after, and the backup that was taken if there was data. */
export interface Migrated {
  readonly from: number
  readonly to: number
  readonly backup: string | null
}

/**
 * Brings the schema up to the newest of `steps`, each in one transaction with its version. A database that holds data is copied
 * first, consistently, to `<path>.backup-v<version>-<time>` beside it; the newest three copies are kept.
 * @throws {DatabaseError} when the database was written by a newer version: going back is refused.
 */
export function migrate(db: Database, path: string, steps: readonly Migration[], now: Date): Migrated {
  const from = Number(db.pragma('user_version', { simple: true }))
  if (from > steps.length)
    throw new DatabaseError(
      `The database ${path} has schema version ${from}, and this version of vm-api knows ${steps.length} at most: a newer vm-api wrote it. Run that version, or restore the backup that was taken before the upgrade.`,
    )
  const backup = from > 0 && from < steps.length ? copyOf(db, path, from, now) : null
  for (const [index, step] of steps.entries()) {
    if (index < from) continue
    db.transaction(() => {
      db.exec(step.sql)
      db.pragma(`user_version = ${index + 1}`)
    }).immediate()
  }
  return { from, to: steps.length, backup }
}

function copyOf(db: Database, path: string, version: number, now: Date): string {
  const copy = `${path}.backup-v${version}-${now.toISOString().replaceAll(/[-:.]/g, '')}`
  db.prepare('VACUUM INTO ?').run(copy)
  chmodSync(copy, 0o600)
  const folder = dirname(path)
  const kept = readdirSync(folder)
    .filter((name) => name.startsWith(`${basename(path)}.backup-v`))
    .toSorted((a, b) => timeOf(b).localeCompare(timeOf(a)))
  for (const old of kept.slice(backupsKept)) rmSync(join(folder, old), { force: true })
  return copy
}

function timeOf(backup: string): string {
  return backup.slice(backup.lastIndexOf('-') + 1)
}
