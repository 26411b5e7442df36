import type { Database } from 'better-sqlite3'
import type { WorkspaceId } from '../workspace/id.ts'
import type { JournalLine } from './workspace-row.ts'

/** A line of the journal as it is read: numbered over all workspaces. */
export interface JournalRow extends JournalLine {
  readonly seq: number
}

/** A line with whose it is, where lines of several workspaces are read together. */
export interface EventFeedLine extends JournalRow {
  readonly workspace: WorkspaceId
  readonly owner: string
}

/** What the journal knows of a workspace that has no row. */
export type LastKnownStatus = 'deleted' | 'unfinished' | 'unknown'

export type Journal = ReturnType<typeof journal>

/** Every workspace's history, which outlives it. Written with the workspace's steps; read and pruned here. */
export function journal(db: Database) {
  const columns = 'seq, at, event, from_state AS "from", to_state AS "to", by, reason, attempts'
  const lines = db.prepare<[string, number, number], JournalRow>(
    `SELECT ${columns} FROM journal WHERE workspace = ? AND seq > ? ORDER BY seq LIMIT ?`,
  )
  const since = db.prepare<[number, number], EventFeedLine>(
    `SELECT ${columns}, workspace, owner FROM journal WHERE seq > ? ORDER BY seq LIMIT ?`,
  )
  // Of what was ever written, also if it was pruned since.
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
  return {
    /** Lines of one workspace after the one numbered `after`, oldest first. */
    lines: (id: WorkspaceId, after: number, limit: number): readonly JournalRow[] => lines.all(id, after, limit),
    /** Lines of all workspaces after the one numbered `after`, oldest first. */
    since: (after: number, limit: number): readonly EventFeedLine[] => since.all(after, limit),
    /** The number of the newest line; 0 if there never was one. */
    newest: (): number => newest.get() ?? 0,
    /** Whose workspace it is or was; `undefined` if the journal never heard of it. */
    ownerOf: (id: WorkspaceId): string | undefined => owner.get(id),
    /** What became of a workspace that has no row. */
    lastKnownStatus(id: WorkspaceId): LastKnownStatus {
      const state = lastState.get(id)
      return state === undefined ? 'unknown' : state === 'deleted' ? 'deleted' : 'unfinished'
    },
    /** Writes down that a workspace of which there is no row is given up: from then on it counts as deleted. Throws what SQLite throws. */
    markDeleted: (line: { workspace: WorkspaceId; owner: string; at: number; by: string }): void =>
      void markDeleted.run(line),
    /** Forgets the histories of at most `limit` workspaces deleted before `before`. Answers how many lines went. */
    prune: (before: number, limit: number): number => prune.run(before, limit).changes,
  }
}
