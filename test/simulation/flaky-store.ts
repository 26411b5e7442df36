import type { TransitionRecord } from '../../src/persistence/workspace-row.ts'
import type { FailedWrite, WorkspaceStore } from '../../src/persistence/workspace-store.ts'
import type { WorkspaceId } from '../../src/workspace/id.ts'
import type { SeededRandom } from '../seeded-random.ts'

/** Faults of the next commits. */
export interface StoreFaults {
  /** Number of batches that fail completely. */
  groups: number
  /** Number of batches in which the transitions of one workspace fail. */
  one: number
  /** Every write fails. */
  full: boolean
  /** The process dies before or after its next commit. */
  crash: 'before-commit' | 'after-commit' | null
}

export interface FlakyStoreDeps {
  readonly store: WorkspaceStore
  readonly storeFaults: StoreFaults
  readonly random: SeededRandom
  readonly alive: () => boolean
  readonly die: () => void
  /** Called with the transitions that are on disk now. */
  readonly onCommitted: (transitions: readonly TransitionRecord[]) => void
  /** Called when a write is refused. */
  readonly onWriteRefused: () => void
  readonly recordActivity: () => void
}

/** The store of one process: commits fail according to `storeFaults`, and a dead process cannot use it. */
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
  function failAll(transitions: readonly TransitionRecord[], reason: string): ReadonlyMap<WorkspaceId, FailedWrite> {
    const failedWrites = new Map<WorkspaceId, FailedWrite>()
    for (const { row } of transitions)
      if (!failedWrites.has(row.id)) failedWrites.set(row.id, { revision: row.revision, error: new Error(reason) })
    return failedWrites
  }

  function commit(transitions: readonly TransitionRecord[]): ReadonlyMap<WorkspaceId, FailedWrite> {
    recordActivity()
    const { crash } = storeFaults
    if (!alive()) return failAll(transitions, 'the process is dead')
    if (crash === 'before-commit') {
      die()
      return failAll(transitions, 'the process is dead')
    }
    if (storeFaults.full || storeFaults.groups > 0) {
      storeFaults.groups = Math.max(0, storeFaults.groups - 1)
      onWriteRefused()
      return failAll(transitions, 'disk full')
    }
    const failingId = storeFaults.one > 0 ? transitions[random.integer(0, transitions.length - 1)]?.row.id : undefined
    if (failingId) {
      storeFaults.one -= 1
      onWriteRefused()
    }
    const accepted = transitions.filter(({ row }) => row.id !== failingId)
    const failedWrites = new Map([
      ...store.commit(accepted),
      ...failAll(
        transitions.filter(({ row }) => row.id === failingId),
        'refused by the simulation',
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
      return failAll(transitions, 'the process is dead')
    }
    return failedWrites
  }

  /** A dead process must not read either. */
  function whileAlive<Args extends readonly unknown[], T>(run: (...args: Args) => T): (...args: Args) => T {
    return (...args) => {
      recordActivity()
      if (!alive()) throw new Error('the process is dead')
      return run(...args)
    }
  }

  return {
    commit,
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
