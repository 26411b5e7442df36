import type { WrittenStep } from '../../src/persistence/workspace-row.ts'
import type { Loss, WorkspaceStore } from '../../src/persistence/workspace-store.ts'
import type { WorkspaceId } from '../../src/workspace/id.ts'
import type { Chance } from '../chance.ts'

/** What goes wrong with the next commits. */
export interface Frailty {
  /** So many groups are refused whole. */
  groups: number
  /** In so many groups one workspace's steps are refused. */
  one: number
  /** Nothing at all is taken. */
  full: boolean
  /** The process dies at its next commit, on this side of it. */
  death: 'before-commit' | 'after-commit' | null
}

export interface FrailStoreDeps {
  readonly store: WorkspaceStore
  readonly frailty: Frailty
  readonly chance: Chance
  readonly alive: () => boolean
  readonly die: () => void
  /** Told of what is on disk now. */
  readonly kept: (steps: readonly WrittenStep[]) => void
  /** Told when something was refused. */
  readonly refused: () => void
  readonly stir: () => void
}

/** The store as one process of a world has it: it loses commits as it is told to, and does nothing more for a process that is dead. */
export function frailStore({
  store,
  frailty,
  chance,
  alive,
  die,
  kept,
  refused,
  stir,
}: FrailStoreDeps): WorkspaceStore {
  function none(steps: readonly WrittenStep[], why: string): ReadonlyMap<WorkspaceId, Loss> {
    const lost = new Map<WorkspaceId, Loss>()
    for (const { row } of steps)
      if (!lost.has(row.id)) lost.set(row.id, { revision: row.revision, error: new Error(why) })
    return lost
  }

  function keep(steps: readonly WrittenStep[]): ReadonlyMap<WorkspaceId, Loss> {
    stir()
    const { death } = frailty
    if (!alive()) return none(steps, 'the process is dead')
    if (death === 'before-commit') {
      die()
      return none(steps, 'the process is dead')
    }
    if (frailty.full || frailty.groups > 0) {
      frailty.groups = Math.max(0, frailty.groups - 1)
      refused()
      return none(steps, 'disk full')
    }
    const victim = frailty.one > 0 ? steps[chance.between(0, steps.length - 1)]?.row.id : undefined
    if (victim) {
      frailty.one -= 1
      refused()
    }
    const taken = steps.filter(({ row }) => row.id !== victim)
    const lost = new Map([
      ...store.keep(taken),
      ...none(
        steps.filter(({ row }) => row.id === victim),
        'this one is refused',
      ),
    ])
    kept(
      taken.filter(({ row }) => {
        const loss = lost.get(row.id)
        return !loss || loss.revision > row.revision
      }),
    )
    if (death === 'after-commit') {
      die()
      return none(steps, 'the process is dead')
    }
    return lost
  }

  /** A dead process reads nothing either: what it would do next is not to be believed. */
  function living<Args extends readonly unknown[], T>(run: (...args: Args) => T): (...args: Args) => T {
    return (...args) => {
      stir()
      if (!alive()) throw new Error('the process is dead')
      return run(...args)
    }
  }

  return {
    keep,
    byId: living(store.byId),
    after: living(store.after),
    due: living(store.due),
    nextExpiry: living(store.nextExpiry),
    nameTaken: living(store.nameTaken),
    mark: living((marks) => {
      if (frailty.full) throw new Error('disk full')
      store.mark(marks)
    }),
  }
}
