import type { Database } from 'better-sqlite3'
import type { WorkspaceId } from '../workspace/id.ts'

/** What a lifecycle command wrote at some moment: never empty, and cut anywhere. */
export interface Written {
  readonly at: number
  readonly command: string
  readonly stream: 'stdout' | 'stderr'
  readonly data: Buffer
}

/** The same as it is read, numbered over all workspaces in the order in which it was kept. */
export interface NumberedWritten extends Written {
  readonly seq: number
}

/** The newest so much is kept of a workspace. */
export const keptBytes = 256 * 1024
/** What a row costs beside its data, about. */
const rowBytes = 64

export type LifecycleOutput = ReturnType<typeof lifecycleOutput>

/** What lifecycle commands wrote. It goes with its workspace: the step that removes the row of the one removes those of the other. */
export function lifecycleOutput(db: Database) {
  // Not of one that is gone: nobody would remove it.
  const insert = db.prepare<[{ workspace: string } & Written]>(
    `INSERT INTO lifecycle_output (workspace, at, command, stream, data)
     SELECT :workspace, :at, :command, :stream, :data WHERE EXISTS (SELECT 1 FROM workspaces WHERE id = :workspace)`,
  )
  const sizes = db.prepare<[string], { seq: number; bytes: number }>(
    'SELECT seq, length(data) AS bytes FROM lifecycle_output WHERE workspace = ? ORDER BY seq DESC',
  )
  const removeUntil = db.prepare<[string, number]>('DELETE FROM lifecycle_output WHERE workspace = ? AND seq <= ?')
  const after = db.prepare<[string, number, number], NumberedWritten>(
    'SELECT seq, at, command, stream, data FROM lifecycle_output WHERE workspace = ? AND seq > ? ORDER BY seq LIMIT ?',
  )
  const keep = db.transaction((batches: ReadonlyMap<WorkspaceId, readonly Written[]>) => {
    for (const [workspace, pieces] of batches) {
      for (const piece of pieces) insert.run({ workspace, ...piece })
      const tooOld = newestTooMany(workspace)
      if (tooOld !== undefined) removeUntil.run(workspace, tooOld)
    }
  })

  function newestTooMany(workspace: WorkspaceId): number | undefined {
    let sum = 0
    for (const { seq, bytes } of sizes.iterate(workspace)) {
      sum += bytes + rowBytes
      if (sum > keptBytes) return seq
    }
    return undefined
  }

  return {
    /** Adds what was written, of workspaces that there are, and forgets what is too much. Throws what SQLite throws; nothing is kept then. */
    keep: (batches: ReadonlyMap<WorkspaceId, readonly Written[]>): void => keep.immediate(batches),
    /** What is kept of a workspace after the piece numbered `seq`, oldest first. */
    after: (id: WorkspaceId, seq: number, limit: number): readonly NumberedWritten[] => after.all(id, seq, limit),
  }
}
