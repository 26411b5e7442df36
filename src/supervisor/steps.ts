// Steps of one turn of the loop are one transaction: on a disk where an fsync takes 5 ms, one commit per step would allow some 185 a
// second. Whoever acts on a step, or tells of it, waits for the disk (laws 1 and 2).
import type { Loss } from '../persistence/workspace-store.ts'
import type { WrittenStep } from '../persistence/workspace-row.ts'
import type { WorkspaceId } from '../workspace/id.ts'

/** A step that was decided, with whatever its maker wants to have back when it is on disk. */
export interface StagedStep<T> {
  readonly written: WrittenStep
  readonly carried: T
}

interface Group<T> {
  readonly steps: StagedStep<T>[]
  /** The newest revision that each workspace has in this group. */
  readonly newest: Map<WorkspaceId, number>
  readonly written: Promise<ReadonlyMap<WorkspaceId, Loss>>
}

export interface Steps<T> {
  /** Puts a step into the group that is written at the end of this turn. */
  stage(step: StagedStep<T>): void
  /**
   * Waits until what is decided of this workspace *now* is on disk. Answers `undefined` then, or the loss that took it; a step that
   * is lost later changes nothing of an earlier answer.
   */
  onDisk(id: WorkspaceId): Promise<Loss | undefined>
  /** Waits until everything that was staged is written. */
  settled(): Promise<void>
}

/**
 * Groups steps. `write` puts a group on disk and answers what was lost; `settle` is told of each group right afterwards, before anybody
 * who waited. `soon` runs the write at the end of the turn.
 */
export function groupSteps<T>(
  write: (steps: readonly WrittenStep[]) => ReadonlyMap<WorkspaceId, Loss>,
  settle: (steps: readonly StagedStep<T>[], lost: ReadonlyMap<WorkspaceId, Loss>) => void,
  soon: (run: () => void) => void = setImmediate,
): Steps<T> {
  let group: Group<T> | undefined

  function open(): Group<T> {
    const steps: StagedStep<T>[] = []
    const written = new Promise<ReadonlyMap<WorkspaceId, Loss>>((resolve) => {
      soon(() => {
        group = undefined // what is decided while this one settles belongs to the next
        const lost = write(steps.map((step) => step.written))
        try {
          settle(steps, lost)
        } finally {
          resolve(lost) // whatever happens there, nobody waits for ever
        }
      })
    })
    return { steps, newest: new Map(), written }
  }

  return {
    stage(step) {
      group ??= open()
      group.steps.push(step)
      group.newest.set(step.written.row.id, step.written.row.revision)
    },
    async onDisk(id) {
      const revision = group?.newest.get(id)
      if (!group || revision === undefined) return undefined
      const loss = (await group.written).get(id)
      return loss && loss.revision <= revision ? loss : undefined
    },
    async settled() {
      for (let open = group; open; open = group) await open.written
    },
  }
}
