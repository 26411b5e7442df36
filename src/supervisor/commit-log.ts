// Steps of one turn of the loop are one transaction: on a disk where an fsync takes 5 ms, one commit per step would allow some 185 a
// second. Whoever acts on a step, or tells of it, waits for the disk (laws 1 and 2).
import type { FailedWrite } from '../persistence/workspace-store.ts'
import type { TransitionRecord } from '../persistence/workspace-row.ts'
import type { WorkspaceId } from '../workspace/id.ts'

/** A step that was decided, with whatever its maker wants to have back when it is on disk. */
export interface StagedTransition<T> {
  readonly record: TransitionRecord
  readonly payload: T
}

interface CommitBatch<T> {
  readonly transitions: StagedTransition<T>[]
  /** The newest revision that each workspace has in this group. */
  readonly newestRevisions: Map<WorkspaceId, number>
  readonly whenWritten: Promise<ReadonlyMap<WorkspaceId, FailedWrite>>
}

export interface CommitLog<T> {
  /** Puts a step into the group that is written at the end of this turn. */
  stage(transition: StagedTransition<T>): void
  /**
   * Waits until what is decided of this workspace *now* is on disk. Answers `undefined` then, or the loss that took it; a step that
   * is lost later changes nothing of an earlier answer.
   */
  whenCommitted(id: WorkspaceId): Promise<FailedWrite | undefined>
  /** Waits until everything that was staged is written. */
  whenAllCommitted(): Promise<void>
}

/**
 * Groups steps. `write` puts a group on disk and answers what was lost; `settle` is told of each group right afterwards, before anybody
 * who waited. `soon` runs the write at the end of the turn.
 */
export function commitLog<T>(
  writeBatch: (records: readonly TransitionRecord[]) => ReadonlyMap<WorkspaceId, FailedWrite>,
  onWritten: (transitions: readonly StagedTransition<T>[], failedWrites: ReadonlyMap<WorkspaceId, FailedWrite>) => void,
  scheduleFlush: (flush: () => void) => void = setImmediate,
): CommitLog<T> {
  let batch: CommitBatch<T> | undefined

  function openBatch(): CommitBatch<T> {
    const transitions: StagedTransition<T>[] = []
    const whenWritten = new Promise<ReadonlyMap<WorkspaceId, FailedWrite>>((resolve) => {
      scheduleFlush(() => {
        batch = undefined // what is decided while this one settles belongs to the next
        const failedWrites = writeBatch(transitions.map((transition) => transition.record))
        try {
          onWritten(transitions, failedWrites)
        } finally {
          resolve(failedWrites) // whatever happens there, nobody waits for ever
        }
      })
    })
    return { transitions, newestRevisions: new Map(), whenWritten }
  }

  return {
    stage(transition) {
      batch ??= openBatch()
      batch.transitions.push(transition)
      batch.newestRevisions.set(transition.record.row.id, transition.record.row.revision)
    },
    async whenCommitted(id) {
      const revision = batch?.newestRevisions.get(id)
      if (!batch || revision === undefined) return undefined
      const failedWrite = (await batch.whenWritten).get(id)
      return failedWrite && failedWrite.revision <= revision ? failedWrite : undefined
    },
    async whenAllCommitted() {
      for (let pending = batch; pending; pending = batch) await pending.whenWritten
    },
  }
}
