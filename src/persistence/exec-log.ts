import type { Database } from 'better-sqlite3'
import type { WorkspaceId } from '../workspace/id.ts'

/** Something that was begun inside a workspace. Neither its environment nor its input is kept. */
export interface NewExecRecord {
  readonly workspace: WorkspaceId
  readonly execId: string
  readonly kind: 'exec' | 'shell'
  /** Of the workspace. */
  readonly owner: string
  readonly by: string
  /** As it was asked, as JSON. */
  readonly command: string
  /** Of all that was asked. */
  readonly fingerprint: string
  readonly startedAt: number
}

/** How it ended: one of the three says so. */
export interface ExecEnding {
  readonly endedAt: number
  readonly exitCode: number | null
  readonly signal: string | null
  readonly error: string | null
}

/** What is kept of a run. `endedAt` of `null`: it runs. */
export type ExecRecord = NewExecRecord & (ExecEnding | { readonly [K in keyof ExecEnding]: null })

export type ExecChange =
  | { readonly kind: 'begun'; readonly exec: NewExecRecord }
  | { readonly kind: 'ended'; readonly workspace: WorkspaceId; readonly execId: string; readonly ending: ExecEnding }
  /** It never began after all. */
  | { readonly kind: 'unbegun'; readonly workspace: WorkspaceId; readonly execId: string }

/** A command or a shell that nobody has seen the end of. */
export type UnfinishedExec = Pick<NewExecRecord, 'workspace' | 'execId' | 'owner'>

export type ExecLog = ReturnType<typeof execLog>

const columns = `workspace, exec_id AS execId, kind, owner, by, command, fingerprint, started_at AS startedAt,
  ended_at AS endedAt, exit_code AS exitCode, signal, error`

/** What was run inside workspaces, by whom, and how it ended. `barred` says why nothing may be written though it could be. */
export function execLog(db: Database, writeBlocked: () => string | null = () => null) {
  const insert = db.prepare<[NewExecRecord]>(
    `INSERT INTO execs (workspace, exec_id, kind, owner, by, command, fingerprint, started_at)
     VALUES (:workspace, :execId, :kind, :owner, :by, :command, :fingerprint, :startedAt)`,
  )
  const end = db.prepare<[ExecEnding & { workspace: string; execId: string }]>(
    `UPDATE execs SET ended_at = :endedAt, exit_code = :exitCode, signal = :signal, error = :error
     WHERE workspace = :workspace AND exec_id = :execId AND ended_at IS NULL`,
  )
  const remove = db.prepare<[string, string]>('DELETE FROM execs WHERE workspace = ? AND exec_id = ?')
  const find = db.prepare<[string, string], ExecRecord>(
    `SELECT ${columns} FROM execs WHERE workspace = ? AND exec_id = ?`,
  )
  const recent = db.prepare<[string, number], ExecRecord>(
    `SELECT ${columns} FROM execs WHERE workspace = ? AND kind = 'exec' ORDER BY started_at DESC LIMIT ?`,
  )
  const unfinished = db.prepare<['exec' | 'shell'], UnfinishedExec>(
    'SELECT workspace, exec_id AS execId, owner FROM execs WHERE ended_at IS NULL AND kind = ?',
  )
  const lastActivity = db.prepare<[], { workspace: WorkspaceId; at: number }>(
    `SELECT workspace, max(max(started_at, coalesce(ended_at, 0))) AS at FROM execs
     WHERE workspace IN (SELECT id FROM workspaces) GROUP BY workspace`,
  )
  const prune = db.prepare<[number, number]>(
    `DELETE FROM execs WHERE (workspace, exec_id) IN
     (SELECT workspace, exec_id FROM execs WHERE started_at < ? AND ended_at IS NOT NULL ORDER BY started_at LIMIT ?)`,
  )
  const writeAll = db.transaction((changes: readonly ExecChange[]) => {
    for (const change of changes)
      if (change.kind === 'begun') insert.run(change.exec)
      else if (change.kind === 'unbegun') remove.run(change.workspace, change.execId)
      else end.run({ ...change.ending, workspace: change.workspace, execId: change.execId })
  })
  return {
    /** Writes all of it, or nothing. Throws what SQLite throws, or why nothing may be written. */
    write(changes: readonly ExecChange[]): void {
      const blocked = writeBlocked()
      if (blocked !== null) throw new Error(blocked)
      writeAll.immediate(changes)
    },
    find: (workspace: WorkspaceId, execId: string): ExecRecord | undefined => find.get(workspace, execId),
    /** The commands that were run in a workspace, newest first; no shells. */
    recent: (workspace: WorkspaceId, limit: number): readonly ExecRecord[] => recent.all(workspace, limit),
    /** What has no end yet. */
    unfinished: (kind: 'exec' | 'shell'): readonly UnfinishedExec[] => unfinished.all(kind),
    /** When something was last begun or ended in each workspace that there is. */
    lastActive: (): ReadonlyMap<WorkspaceId, number> =>
      new Map(lastActivity.all().map(({ workspace, at }) => [workspace, at])),
    /** Forgets at most `limit` runs that were begun before `before` and have ended. Answers how many went. */
    prune: (before: number, limit: number): number => prune.run(before, limit).changes,
  }
}
