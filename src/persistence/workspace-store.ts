import type { Database } from 'better-sqlite3'
import type { WorkspaceId } from '../workspace/id.ts'
import { errorCodeOf } from './database-error.ts'
import type { StoredWorkspaceRow, TransitionRecord } from './workspace-row.ts'

/** A step that was refused: from this revision on, nothing of that workspace's was written in this group. */
export interface FailedWrite {
  readonly revision: number
  readonly error: unknown
}

/** What a row says of itself that its snapshot cannot: see {@link StoredWorkspaceRow.unreadable}. */
export interface ReadabilityMark {
  readonly id: WorkspaceId
  readonly status: string
  readonly unreadable: string | null
}

/** Where workspaces are kept: prepared statements over one connection. Synchronous; throws only what SQLite throws. */
export type WorkspaceStore = ReturnType<typeof workspaceStore>

const columns = `seq, id, owner, name, template, provider, status, created_at AS createdAt, updated_at AS updatedAt,
  expires_at AS expiresAt, revision, machine, snapshot, unreadable`

/** `barred` says why nothing may be written though it could be; it is asked before each write. */
export function workspaceStore(db: Database, writeBlocked: () => string | null = () => null) {
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

  const commitOne = db.transaction(({ row, final, line, admit, storedResponse }: TransitionRecord) => {
    admit?.()
    const statement = final ? remove : row.revision === 1 ? insert : update
    if (statement.run(row).changes !== 1)
      throw new Error(`workspace ${row.id} is not at revision ${row.revision - 1}: something else wrote it`)
    if (final) removeOutput.run(row.id)
    if (line) insertJournalLine.run({ ...line, id: row.id, owner: row.owner, revision: row.revision })
    if (storedResponse) saveResponse.run({ ...row, ...storedResponse })
  })

  // Within a transaction, `one` is a savepoint: a step that is refused is lost alone, with what stands on it.
  const commitAll = db.transaction(
    (records: readonly TransitionRecord[], failedWrites: Map<WorkspaceId, FailedWrite>) => {
      for (const record of records) {
        if (failedWrites.has(record.row.id)) continue
        try {
          commitOne(record)
        } catch (error) {
          if (!db.inTransaction) throw error // SQLite gave up the whole group
          failedWrites.set(record.row.id, { revision: record.row.revision, error })
        }
      }
    },
  )

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

  return {
    /**
     * Writes the steps of one turn in one transaction. Answers the steps that were refused, by workspace; a commit that fails loses
     * them all. Never throws.
     */
    commit(records: readonly TransitionRecord[]): ReadonlyMap<WorkspaceId, FailedWrite> {
      const failedWrites = new Map<WorkspaceId, FailedWrite>()
      try {
        const blocked = writeBlocked()
        if (blocked !== null) throw new Error(blocked) // law 2: what is written now is not found again
        commitAll.immediate(records, failedWrites)
        return failedWrites
      } catch (error) {
        const allFailed = new Map<WorkspaceId, FailedWrite>()
        for (const { row } of records)
          if (!allFailed.has(row.id)) allFailed.set(row.id, { revision: row.revision, error })
        return allFailed
      }
    },
    byId: (id: WorkspaceId): StoredWorkspaceRow | undefined => byId.get(id),
    /** Rows in order of creation, `limit` at a time, after the one numbered `seq`. */
    after: (seq: number, limit: number): readonly StoredWorkspaceRow[] => after.all(seq, limit),
    /** What has expired at `at`, longest ago first. */
    due: (at: number, limit: number): readonly WorkspaceId[] => due.all(at, limit),
    nextExpiry: (): number | null => nextExpiry.get() ?? null,
    nameTaken: (owner: string, name: string): boolean => nameTaken.get(owner, name) !== undefined,
    /** Marks rows as ones that cannot be read, or can again; their snapshots stay as they were (law 7). */
    markReadability: (marks: readonly ReadabilityMark[]): void => markAll.immediate(marks),
  }
}

/** Was a step refused because its owner has another workspace of that name? */
export function isNameTaken(error: unknown): boolean {
  return (
    errorCodeOf(error) === 'SQLITE_CONSTRAINT_UNIQUE' &&
    error instanceof Error &&
    error.message.includes('workspaces.name')
  )
}
