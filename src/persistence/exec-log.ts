import type { Database } from 'better-sqlite3'
import type { WorkspaceId } from '../workspace/id.ts'
import { failureGuard, type ReportFailure } from './database-error.ts'

/** A command or shell that starts in a workspace. Its environment and its input are not stored. */
export interface NewExecRecord {
  readonly workspace: WorkspaceId
  readonly execId: string
  readonly kind: 'exec' | 'shell'
  /** The owner of the workspace. */
  readonly owner: string
  readonly by: string
  /** The requested command, as JSON. */
  readonly command: string
  /** A fingerprint of the whole request. */
  readonly fingerprint: string
  readonly startedAt: number
}

/** How an exec ended. Exactly one of `exitCode`, `signal` and `error` is set. */
export interface ExecEnding {
  readonly endedAt: number
  readonly exitCode: number | null
  readonly signal: string | null
  readonly error: string | null
}

/** A stored exec. It is running while `endedAt` is `null`. */
export type ExecRecord = NewExecRecord & (ExecEnding | { readonly [K in keyof ExecEnding]: null })

export type ExecChange =
  | { readonly kind: 'started'; readonly exec: NewExecRecord }
  | { readonly kind: 'ended'; readonly workspace: WorkspaceId; readonly execId: string; readonly ending: ExecEnding }
  /** The start failed: the record is deleted. */
  | { readonly kind: 'discarded'; readonly workspace: WorkspaceId; readonly execId: string }

/** A command or shell whose end is not recorded. */
export type UnfinishedExec = Pick<NewExecRecord, 'workspace' | 'execId' | 'owner'>

export type ExecLog = ReturnType<typeof execLog>

const columns = `workspace, exec_id AS execId, kind, owner, by, command, fingerprint, started_at AS startedAt,
  ended_at AS endedAt, exit_code AS exitCode, signal, error`

/** The commands and shells that ran in workspaces, who started them, and how they ended. `writeBlocked` is checked before each write. */
export function execLog(
  db: Database,
  writeBlocked: () => string | null = () => null,
  reportFailure: ReportFailure = () => undefined,
) {
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
      if (change.kind === 'started') insert.run(change.exec)
      else if (change.kind === 'discarded') remove.run(change.workspace, change.execId)
      else end.run({ ...change.ending, workspace: change.workspace, execId: change.execId })
  })
  const guard = failureGuard(reportFailure)
  return {
    /** Writes all changes or none. Throws what SQLite throws, or why writing is blocked. */
    write: guard((changes: readonly ExecChange[]): void => {
      const blocked = writeBlocked()
      if (blocked !== null) throw new Error(blocked)
      writeAll.immediate(changes)
    }),
    find: guard((workspace: WorkspaceId, execId: string): ExecRecord | undefined => find.get(workspace, execId)),
    /** A workspace's commands, newest first; shells are not included. */
    recent: guard((workspace: WorkspaceId, limit: number): readonly ExecRecord[] => recent.all(workspace, limit)),
    /** Every exec of this kind without a recorded end. */
    unfinished: guard((kind: 'exec' | 'shell'): readonly UnfinishedExec[] => unfinished.all(kind)),
    /** When an exec last started or ended, for each existing workspace. */
    lastActive: guard(
      (): ReadonlyMap<WorkspaceId, number> => new Map(lastActivity.all().map(({ workspace, at }) => [workspace, at])),
    ),
    /** Deletes at most `limit` ended execs that started before `before`. Returns the number of deleted records. */
    prune: guard((before: number, limit: number): number => prune.run(before, limit).changes),
  }
}
