import { mkdirSync, readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import { openDatabase } from '../../src/persistence/database.ts'
import type { Migration } from '../../src/persistence/migrations.ts'
import { migrations } from '../../src/persistence/migrations.ts'
import { fileModeOf, temporaryFolder } from './temporary-folder.ts'

const more: Migration = {
  name: 'colours',
  sql: 'ALTER TABLE journal ADD COLUMN colour TEXT; CREATE TABLE colours (name TEXT) STRICT;',
}
const broken: Migration = { name: 'a mistake', sql: 'CREATE TABLE half (x); INSERT INTO nowhere VALUES (1);' }
const version = migrations.length

const backups = (path: string) =>
  readdirSync(join(path, '..'))
    .filter((name) => name.includes('.backup'))
    .toSorted()

/** A database at the newest schema with one journal line. */
function filled(): string {
  const path = join(temporaryFolder(), 'vm.db')
  const { db, close } = openDatabase(path)
  db.exec(
    `INSERT INTO journal (workspace, owner, at, event, to_state, by, revision) VALUES ('w', 'o', 1, 'create', 't', 'b', 1)`,
  )
  close()
  return path
}

function tablesIn(path: string): readonly string[] {
  const db = new Sqlite(path, { readonly: true })
  const names = db.prepare<[], string>(`SELECT name FROM sqlite_schema WHERE type = 'table'`).pluck().all()
  db.close()
  return names
}

describe('migrations', () => {
  it('bring an empty file to the newest schema, without a backup', () => {
    const path = join(temporaryFolder(), 'vm.db')
    const { migration: migrated, close } = openDatabase(path)
    close()
    expect(migrated).toEqual({ from: 0, to: version, backup: null })
    expect(backups(path)).toEqual([])
  })

  it('leave a database at the newest schema unchanged', () => {
    const path = filled()
    const { migration: migrated, close } = openDatabase(path)
    close()
    expect(migrated).toEqual({ from: version, to: version, backup: null })
    expect(backups(path)).toEqual([])
  })

  it('first copy a database with data completely, with access for the owner only', () => {
    const path = filled()
    // The copy must include changes that are only in the write-ahead log.
    const {
      db,
      migration: migrated,
      close,
    } = openDatabase(path, [...migrations, more], new Date('2030-01-02T03:04:05.678Z'))
    expect(migrated).toEqual({
      from: version,
      to: version + 1,
      backup: `${path}.backup-v${version}-20300102T030405678Z`,
    })
    expect(db.prepare('SELECT workspace, colour FROM journal').all()).toEqual([{ workspace: 'w', colour: null }])
    close()
    const copy = migrated.backup ?? ''
    expect(fileModeOf(copy)).toBe('0600')
    const copyDb = new Sqlite(copy, { readonly: true })
    expect(copyDb.pragma('integrity_check', { simple: true })).toBe('ok')
    expect(copyDb.pragma('user_version', { simple: true })).toBe(version)
    expect(copyDb.prepare('SELECT workspace, owner, event FROM journal').all()).toEqual([
      { workspace: 'w', owner: 'o', event: 'create' },
    ])
    copyDb.close()
    expect(tablesIn(copy)).not.toContain('colours')
    expect(backups(path)).toHaveLength(1)
  })

  it('keep the newest three copies', () => {
    const path = filled()
    const steps: Migration[] = [...migrations]
    for (let year = 2030; year < 2036; year += 1) {
      steps.push({ name: `of ${year}`, sql: `CREATE TABLE of_${year} (x)` })
      openDatabase(path, steps, new Date(`${year}-01-01T00:00:00Z`)).close()
    }
    expect(backups(path).map((name) => name.slice(-19))).toEqual(
      [2033, 2034, 2035].map((year) => `${year}0101T000000000Z`),
    )
  })

  it('that fail leave the database at its version, and no redundant copy', () => {
    const path = filled()
    const again = () => openDatabase(path, [...migrations, broken])
    expect(again).toThrow(
      /could not be migrated to schema version \d+ \(a mistake\) and stays at version \d+: .*nowhere/,
    )
    expect(again).toThrow(/a mistake/)
    expect(backups(path)).toEqual([])
    expect(tablesIn(path)).not.toContain('half')
    const { migration: migrated, close } = openDatabase(path)
    expect(migrated.from).toBe(version)
    close()
  })

  it('that fail at a later version keep the earlier ones, and the copy from before them', () => {
    const path = filled()
    expect(() => openDatabase(path, [...migrations, more, broken])).toThrow(/a mistake.*stays at version/)
    expect(tablesIn(path)).toContain('colours')
    expect(backups(path)).toHaveLength(1)
  })

  it('do not start if the database cannot be copied', () => {
    const path = filled()
    const taken = `${path}.backup-v${version}-20300102T030405678Z`
    mkdirSync(taken)
    expect(() => openDatabase(path, [...migrations, more], new Date('2030-01-02T03:04:05.678Z'))).toThrow(
      /could not be copied, so its migration did not start/,
    )
    expect(tablesIn(path)).not.toContain('colours')
    expect(backups(path)).toEqual([basename(taken)])
  })

  it('refuse a database that a newer version wrote, with the next step', () => {
    const path = filled()
    openDatabase(path, [...migrations, more]).close()
    expect(() => openDatabase(path)).toThrow(/a newer vm-api wrote it. Run that version, or restore the backup/)
    expect(() => openDatabase(path)).toThrow(/a newer vm-api/) // no lock is held
    expect(tablesIn(path)).toContain('colours')
  })
})
