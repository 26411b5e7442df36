import type { Database } from 'better-sqlite3'
import type { WorkspaceId } from '../workspace/id.ts'
import { errorCodeOf, failureGuard, type ReportFailure } from './database-error.ts'
import type { StoredWorkspaceRow, TransitionRecord } from './workspace-row.ts'

/** A transition that was not written. No later transition of the same workspace in the batch was written either. */
export interface FailedWrite {
  readonly revision: number
  readonly error: unknown
}

/** Whether a row's snapshot can be read: see {@link StoredWorkspaceRow.unreadable}. */
export interface ReadabilityMark {
  readonly id: WorkspaceId
  readonly status: string
  readonly unreadable: string | null
}

/** Stores workspaces: prepared statements on one connection. Synchronous. Throws only what SQLite throws. */
export type WorkspaceStore = ReturnType<typeof workspaceStore>

const columns = `seq, id, owner, name, template, provider, status, created_at AS createdAt, updated_at AS updatedAt,
  expires_at AS expiresAt, revision, machine, snapshot, unreadable`

/** A transition changes pages of a table and of its indexes, and each page is written whole. */
const transitionOverheadBytes = 40 * 1024

/** `writeBlocked` is checked before each write; a text from it is the reason not to write. */
export function workspaceStore(
  db: Database,
  writeBlocked: () => string | null = () => null,
  reportFailure: ReportFailure = () => undefined,
) {
  const writeBatch = batchWriter(db)
  const byId = db.prepare<[string], StoredWorkspaceRow>(`SELECT ${columns} FROM workspaces WHERE id = ?`)
  const after = db.prepare<[number, number], StoredWorkspaceRow>(
    `SELECT ${columns} FROM workspaces WHERE seq > ? ORDER BY seq LIMIT ?`,
  )
  const due = db
    .prepare<[number, number], WorkspaceId>(
      `SELECT id FROM workspaces WHERE expires_at <= ? AND status <> 'deleting' ORDER BY expires_at LIMIT ?`,
    )
    .pluck()
  const nextExpiry = db
    .prepare<[], number | null>(
      `SELECT min(expires_at) FROM workspaces WHERE expires_at IS NOT NULL AND status <> 'deleting'`,
    )
    .pluck()
  const nameTaken = db
    .prepare<[string, string], 1>(`SELECT 1 FROM workspaces WHERE owner = ? AND name = ? AND status <> 'deleting'`)
    .pluck()
  const markReadability = db.prepare<[ReadabilityMark]>(
    'UPDATE workspaces SET status = :status, unreadable = :unreadable WHERE id = :id',
  )
  const markAll = db.transaction((marks: readonly ReadabilityMark[]) => {
    for (const mark of marks) markReadability.run(mark)
  })
  const guard = failureGuard(reportFailure)
  return {
    /**
     * Writes a batch of transitions in one transaction. Returns the first failed write of each workspace that has one; when the
     * commit fails, all transitions have failed. Never throws.
     */
    commit(records: readonly TransitionRecord[]): ReadonlyMap<WorkspaceId, FailedWrite> {
      const failedWrites = new Map<WorkspaceId, FailedWrite>()
      try {
        const blocked = writeBlocked()
        if (blocked !== null) throw new Error(blocked) // law 2: a later reader would not find this write
        writeBatch(records, failedWrites)
      } catch (error) {
        failedWrites.clear()
        for (const { row } of records)
          if (!failedWrites.has(row.id)) failedWrites.set(row.id, { revision: row.revision, error })
      }
      for (const { error } of failedWrites.values()) reportFailure(error, sizeOf(records))
      return failedWrites
    },
    byId: guard((id: WorkspaceId): StoredWorkspaceRow | undefined => byId.get(id)),
    /** At most `limit` rows after row `seq`, in order of creation. */
    after: guard((seq: number, limit: number): readonly StoredWorkspaceRow[] => after.all(seq, limit)),
    /** Workspaces that have expired at `at`, longest ago first. */
    due: guard((at: number, limit: number): readonly WorkspaceId[] => due.all(at, limit)),
    nextExpiry: guard((): number | null => nextExpiry.get() ?? null),
    nameTaken: guard((owner: string, name: string): boolean => nameTaken.get(owner, name) !== undefined),
    /** Marks rows as unreadable or as readable again. Their snapshots do not change (law 7). */
    markReadability: guard((marks: readonly ReadabilityMark[]): void => markAll.immediate(marks)),
  }
}

/** Returns a function that writes records in one transaction and collects those that SQLite refused, by workspace. */
function batchWriter(db: Database) {
  const insert = db.prepare(`INSERT INTO workspaces
    (id, owner, name, template, provider, status, created_at, updated_at, expires_at, revision, machine, snapshot)
    VALUES (:id, :owner, :name, :template, :provider, :status, :createdAt, :updatedAt, :expiresAt, :revision, :machine, :snapshot)`)
  const update =
    db.prepare(`UPDATE workspaces SET name = :name, status = :status, updated_at = :updatedAt, expires_at = :expiresAt,
    revision = :revision, machine = :machine, snapshot = :snapshot, unreadable = NULL
    WHERE id = :id AND revision = :revision - 1`)
  const remove = db.prepare('DELETE FROM workspaces WHERE id = :id AND revision = :revision - 1')
  const removeOutput = db.prepare<[string]>('DELETE FROM lifecycle_output WHERE workspace = ?')
  const insertJournalLine =
    db.prepare(`INSERT INTO journal (workspace, owner, at, event, from_state, to_state, by, reason, attempts, revision)
    VALUES (:id, :owner, :at, :event, :from, :to, :by, :reason, :attempts, :revision)`)
  const saveResponse = db.prepare(`INSERT OR REPLACE INTO idempotency (owner, key, fingerprint, workspace, response, at)
    VALUES (:owner, :key, :fingerprint, :id, :response, :updatedAt)`)

  const writeRecord = db.transaction(({ row, final, line, admit, storedResponse }: TransitionRecord) => {
    admit?.()
    const statement = final ? remove : row.revision === 1 ? insert : update
    if (statement.run(row).changes !== 1)
      throw new Error(`workspace ${row.id} is not at revision ${row.revision - 1}: another writer has changed the row`)
    if (final) removeOutput.run(row.id)
    if (line) insertJournalLine.run({ ...line, id: row.id, owner: row.owner, revision: row.revision })
    if (storedResponse) saveResponse.run({ ...row, ...storedResponse })
  })

  // Inside this transaction `writeRecord` is a savepoint: a refused record loses only itself and the workspace's later records.
  return db.transaction((records: readonly TransitionRecord[], failedWrites: Map<WorkspaceId, FailedWrite>) => {
    for (const record of records) {
      if (failedWrites.has(record.row.id)) continue
      try {
        writeRecord(record)
      } catch (error) {
        if (!db.inTransaction) throw error // SQLite has rolled back the whole batch
        failedWrites.set(record.row.id, { revision: record.row.revision, error })
      }
    }
  }).immediate
}

function sizeOf(records: readonly TransitionRecord[]): number {
  return records.reduce((sum, { row }) => sum + row.snapshot.length, transitionOverheadBytes)
}

/** Tells whether a write was refused because its owner has another workspace of that name. */
export function isNameTaken(error: unknown): boolean {
  return (
    errorCodeOf(error) === 'SQLITE_CONSTRAINT_UNIQUE' &&
    error instanceof Error &&
    error.message.includes('workspaces.name')
  )
}
