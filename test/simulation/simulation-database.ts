import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { openDatabase } from '../../src/persistence/database.ts'
import type { OpenDatabase } from '../../src/persistence/database.ts'
import type { WorkspaceId } from '../../src/workspace/id.ts'

/** A row as stored on disk. */
export interface StoredRow {
  readonly id: WorkspaceId
  readonly owner: string
  readonly name: string
  readonly status: string
  readonly revision: number
  readonly snapshot: string
  readonly updatedAt: number
  readonly expiresAt: number | null
}

/** A journal line as stored on disk. */
export interface StoredJournalLine {
  readonly seq: number
  readonly workspace: WorkspaceId
  readonly owner: string
  readonly at: number
  readonly event: string
  readonly from: string | null
  readonly to: string
  readonly by: string
  readonly reason: string | null
  readonly revision: number
}

/** A real database file for any number of consecutive simulations, and a second connection that sees only committed data. */
export interface SimulationDatabase {
  open(): OpenDatabase
  rows(): readonly StoredRow[]
  row(id: WorkspaceId): StoredRow | undefined
  /** Lines after the one numbered `seq`, oldest first. */
  lines(seq: number): readonly StoredJournalLine[]
  /** Empties the database for the next simulation. */
  clear(): void
  close(): void
}

const columns = 'id, owner, name, status, revision, snapshot, updated_at AS updatedAt, expires_at AS expiresAt'

export function simulationDatabase(): SimulationDatabase {
  const folder = mkdtempSync(join(tmpdir(), 'vm-api-simulation-'))
  const path = join(folder, 'vm.db')
  openDatabase(path).close()
  const reader = new Sqlite(path, { readonly: true })
  const rows = reader.prepare<[], StoredRow>(`SELECT ${columns} FROM workspaces ORDER BY seq`)
  const row = reader.prepare<[string], StoredRow>(`SELECT ${columns} FROM workspaces WHERE id = ?`)
  const lines = reader.prepare<[number], StoredJournalLine>(
    `SELECT seq, workspace, owner, at, event, from_state AS "from", to_state AS "to", by, reason, revision
     FROM journal WHERE seq > ? ORDER BY seq`,
  )
  return {
    open() {
      const database = openDatabase(path)
      // A killed process is not a power failure: written data survives. A simulation has hundreds of commits.
      database.db.pragma('synchronous = OFF')
      return database
    },
    rows: () => rows.all(),
    row: (id) => row.get(id),
    lines: (seq) => lines.all(seq),
    clear() {
      const writer = new Sqlite(path)
      writer.pragma('synchronous = OFF')
      writer.exec('DELETE FROM workspaces; DELETE FROM journal; DELETE FROM idempotency; DELETE FROM sqlite_sequence')
      writer.close()
    },
    close() {
      reader.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
