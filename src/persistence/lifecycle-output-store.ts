import type { Database } from 'better-sqlite3'
import type { WorkspaceId } from '../workspace/id.ts'
import { failureGuard, type ReportFailure } from './database-error.ts'

/** A piece of a lifecycle command's output: never empty, and cut at any byte. */
export interface LifecycleChunk {
  readonly at: number
  readonly command: string
  readonly stream: 'stdout' | 'stderr'
  readonly data: Buffer
}

/** A stored chunk. */
export interface LifecycleChunkRow extends LifecycleChunk {
  /** Position among the chunks of all workspaces, in the order of storing. */
  readonly seq: number
}

/** The limit per workspace; the newest output is kept. */
export const maxLifecycleOutputBytes = 256 * 1024
/** Approximate cost of a row beside its data. */
const rowOverheadBytes = 64

export type LifecycleOutputStore = ReturnType<typeof lifecycleOutputStore>

/** The output of lifecycle commands. The transition that deletes a workspace's row deletes its output too. */
export function lifecycleOutputStore(db: Database, reportFailure: ReportFailure = () => undefined) {
  // Skips a workspace without a row: nothing would ever delete that output.
  const insert = db.prepare<[{ workspace: string } & LifecycleChunk]>(
    `INSERT INTO lifecycle_output (workspace, at, command, stream, data)
     SELECT :workspace, :at, :command, :stream, :data WHERE EXISTS (SELECT 1 FROM workspaces WHERE id = :workspace)`,
  )
  const sizes = db.prepare<[string], { seq: number; bytes: number }>(
    'SELECT seq, length(data) AS bytes FROM lifecycle_output WHERE workspace = ? ORDER BY seq DESC',
  )
  const removeUntil = db.prepare<[string, number]>('DELETE FROM lifecycle_output WHERE workspace = ? AND seq <= ?')
  const after = db.prepare<[string, number, number], LifecycleChunkRow>(
    'SELECT seq, at, command, stream, data FROM lifecycle_output WHERE workspace = ? AND seq > ? ORDER BY seq LIMIT ?',
  )
  const append = db.transaction((batches: ReadonlyMap<WorkspaceId, readonly LifecycleChunk[]>) => {
    for (const [workspace, chunks] of batches) {
      for (const chunk of chunks) insert.run({ workspace, ...chunk })
      const cutoffSeq = newestSeqOverLimit(workspace)
      if (cutoffSeq !== undefined) removeUntil.run(workspace, cutoffSeq)
    }
  })

  function newestSeqOverLimit(workspace: WorkspaceId): number | undefined {
    let sum = 0
    for (const { seq, bytes } of sizes.iterate(workspace)) {
      sum += bytes + rowOverheadBytes
      if (sum > maxLifecycleOutputBytes) return seq
    }
    return undefined
  }

  const guard = failureGuard(reportFailure)
  return {
    /** Stores output of existing workspaces and deletes what exceeds the limit. Throws what SQLite throws; nothing is stored then. */
    append: guard((batches: ReadonlyMap<WorkspaceId, readonly LifecycleChunk[]>): void => append.immediate(batches)),
    /** A workspace's chunks after chunk `seq`, oldest first. */
    after: guard((id: WorkspaceId, seq: number, limit: number): readonly LifecycleChunkRow[] =>
      after.all(id, seq, limit),
    ),
  }
}
