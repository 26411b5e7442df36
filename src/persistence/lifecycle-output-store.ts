import type { Database } from 'better-sqlite3'
import type { WorkspaceId } from '../workspace/id.ts'

/** What a lifecycle command wrote at some moment: never empty, and cut anywhere. */
export interface LifecycleChunk {
  readonly at: number
  readonly command: string
  readonly stream: 'stdout' | 'stderr'
  readonly data: Buffer
}

/** The same as it is read, numbered over all workspaces in the order in which it was kept. */
export interface LifecycleChunkRow extends LifecycleChunk {
  readonly seq: number
}

/** The newest so much is kept of a workspace. */
export const maxLifecycleOutputBytes = 256 * 1024
/** What a row costs beside its data, about. */
const rowOverheadBytes = 64

export type LifecycleOutputStore = ReturnType<typeof lifecycleOutputStore>

/** What lifecycle commands wrote. It goes with its workspace: the step that removes the row of the one removes those of the other. */
export function lifecycleOutputStore(db: Database) {
  // Not of one that is gone: nobody would remove it.
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

  return {
    /** Adds what was written, of workspaces that there are, and forgets what is too much. Throws what SQLite throws; nothing is kept then. */
    append: (batches: ReadonlyMap<WorkspaceId, readonly LifecycleChunk[]>): void => append.immediate(batches),
    /** What is kept of a workspace after the piece numbered `seq`, oldest first. */
    after: (id: WorkspaceId, seq: number, limit: number): readonly LifecycleChunkRow[] => after.all(id, seq, limit),
  }
}
