import type { TransitionRecord } from '../../src/persistence/workspace-row.ts'
import type { FailedWrite, WorkspaceStore } from '../../src/persistence/workspace-store.ts'
import type { WorkspaceId } from '../../src/workspace/id.ts'
import type { SeededRandom } from '../seeded-random.ts'

/** What goes wrong with the next commits. */
export interface StoreFaults {
  /** So many groups are refused whole. */
  groups: number
  /** In so many groups one workspace's steps are refused. */
  one: number
  /** Nothing at all is taken. */
  full: boolean
  /** The process dies at its next commit, on this side of it. */
  crash: 'before-commit' | 'after-commit' | null
}

export interface FlakyStoreDeps {
  readonly store: WorkspaceStore
  readonly storeFaults: StoreFaults
  readonly random: SeededRandom
  readonly alive: () => boolean
  readonly die: () => void
  /** Told of what is on disk now. */
  readonly onCommitted: (steps: readonly TransitionRecord[]) => void
  /** Told when something was refused. */
  readonly onWriteRefused: () => void
  readonly recordActivity: () => void
}

/** The store as one process of a world has it: it loses commits as it is told to, and does nothing more for a process that is dead. */
export function flakyStore({
  store,
  storeFaults,
  random,
  alive,
  die,
  onCommitted,
  onWriteRefused,
  recordActivity,
}: FlakyStoreDeps): WorkspaceStore {
  function failAll(steps: readonly TransitionRecord[], reason: string): ReadonlyMap<WorkspaceId, FailedWrite> {
    const failedWrites = new Map<WorkspaceId, FailedWrite>()
    for (const { row } of steps)
      if (!failedWrites.has(row.id)) failedWrites.set(row.id, { revision: row.revision, error: new Error(reason) })
    return failedWrites
  }

  function keep(steps: readonly TransitionRecord[]): ReadonlyMap<WorkspaceId, FailedWrite> {
    recordActivity()
    const { crash } = storeFaults
    if (!alive()) return failAll(steps, 'the process is dead')
    if (crash === 'before-commit') {
      die()
      return failAll(steps, 'the process is dead')
    }
    if (storeFaults.full || storeFaults.groups > 0) {
      storeFaults.groups = Math.max(0, storeFaults.groups - 1)
      onWriteRefused()
      return failAll(steps, 'disk full')
    }
    const failingId = storeFaults.one > 0 ? steps[random.integer(0, steps.length - 1)]?.row.id : undefined
    if (failingId) {
      storeFaults.one -= 1
      onWriteRefused()
    }
    const accepted = steps.filter(({ row }) => row.id !== failingId)
    const failedWrites = new Map([
      ...store.commit(accepted),
      ...failAll(
        steps.filter(({ row }) => row.id === failingId),
        'this one is refused',
      ),
    ])
    onCommitted(
      accepted.filter(({ row }) => {
        const failedWrite = failedWrites.get(row.id)
        return !failedWrite || failedWrite.revision > row.revision
      }),
    )
    if (crash === 'after-commit') {
      die()
      return failAll(steps, 'the process is dead')
    }
    return failedWrites
  }

  /** A dead process reads nothing either: what it would do next is not to be believed. */
  function whileAlive<Args extends readonly unknown[], T>(run: (...args: Args) => T): (...args: Args) => T {
    return (...args) => {
      recordActivity()
      if (!alive()) throw new Error('the process is dead')
      return run(...args)
    }
  }

  return {
    commit: keep,
    byId: whileAlive(store.byId),
    after: whileAlive(store.after),
    due: whileAlive(store.due),
    nextExpiry: whileAlive(store.nextExpiry),
    nameTaken: whileAlive(store.nameTaken),
    markReadability: whileAlive((marks) => {
      if (storeFaults.full) throw new Error('disk full')
      store.markReadability(marks)
    }),
  }
}
