import type { Database } from 'better-sqlite3'
import type { WorkspaceId } from '../workspace/id.ts'
import { failureGuard, type ReportFailure } from './database-error.ts'
import type { JournalLine } from './workspace-row.ts'

/** A line as read from the journal. */
export interface JournalRow extends JournalLine {
  /** Position among the lines of all workspaces. */
  readonly seq: number
}

/** A line with its workspace and owner, for readers of several workspaces. */
export interface EventFeedLine extends JournalRow {
  readonly workspace: WorkspaceId
  readonly owner: string
}

/** What the journal says about a workspace without a row. `unfinished`: its history does not end with a delete. */
export type LastKnownStatus = 'deleted' | 'unfinished' | 'unknown'

export type Journal = ReturnType<typeof journal>

/** The history of every workspace. It outlives the workspace, and is written in the transaction of each transition. */
export function journal(db: Database, reportFailure: ReportFailure = () => undefined) {
  const columns = 'seq, at, event, from_state AS "from", to_state AS "to", by, reason, attempts'
  const lines = db.prepare<[string, number, number], JournalRow>(
    `SELECT ${columns} FROM journal WHERE workspace = ? AND seq > ? ORDER BY seq LIMIT ?`,
  )
  const since = db.prepare<[number, number], EventFeedLine>(
    `SELECT ${columns}, workspace, owner FROM journal WHERE seq > ? ORDER BY seq LIMIT ?`,
  )
  // Counts pruned lines too.
  const newest = db.prepare<[], number>(`SELECT seq FROM sqlite_sequence WHERE name = 'journal'`).pluck()
  const owner = db
    .prepare<[string], string>('SELECT owner FROM journal WHERE workspace = ? ORDER BY seq LIMIT 1')
    .pluck()
  const lastState = db
    .prepare<[string], string>('SELECT to_state FROM journal WHERE workspace = ? ORDER BY seq DESC LIMIT 1')
    .pluck()
  const prune = db.prepare<[number, number]>(`DELETE FROM journal WHERE workspace IN
    (SELECT workspace FROM journal WHERE to_state = 'deleted' AND at < ? ORDER BY at LIMIT ?)`)
  const markDeleted = db.prepare<[{ workspace: string; owner: string; at: number; by: string }]>(
    `INSERT INTO journal (workspace, owner, at, event, from_state, to_state, by, reason, attempts, revision)
     VALUES (:workspace, :owner, :at, 'remove', NULL, 'deleted', :by, NULL, NULL, 0)`,
  )
  const guard = failureGuard(reportFailure)
  return {
    /** Lines of one workspace after line `after`, oldest first. */
    lines: guard((id: WorkspaceId, after: number, limit: number): readonly JournalRow[] => lines.all(id, after, limit)),
    /** Lines of all workspaces after line `after`, oldest first. */
    since: guard((after: number, limit: number): readonly EventFeedLine[] => since.all(after, limit)),
    /** The number of the newest line; 0 if there never was one. */
    newest: guard((): number => newest.get() ?? 0),
    /** The owner of a workspace, deleted or not; `undefined` if the journal has no line of it. */
    ownerOf: guard((id: WorkspaceId): string | undefined => owner.get(id)),
    /** What became of a workspace without a row. */
    lastKnownStatus: guard((id: WorkspaceId): LastKnownStatus => {
      const state = lastState.get(id)
      return state === undefined ? 'unknown' : state === 'deleted' ? 'deleted' : 'unfinished'
    }),
    /** Records that a workspace without a row is given up; it counts as deleted from then on. Throws what SQLite throws. */
    markDeleted: guard((line: { workspace: WorkspaceId; owner: string; at: number; by: string }): void => {
      markDeleted.run(line)
    }),
    /** Deletes the histories of at most `limit` workspaces deleted before `before`. Returns the number of deleted lines. */
    prune: guard((before: number, limit: number): number => prune.run(before, limit).changes),
  }
}
