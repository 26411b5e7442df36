import type { Swept } from './sweep.ts'
import type { Upkeep } from './upkeep.ts'

/** What goes on without being asked. */
export interface Operations {
  readonly queue: { readonly queued: number; readonly working: number; readonly slots: number }
  readonly sweeps: readonly Swept[]
  /** Nothing expires before, because the clock has jumped; `null`: it has not. */
  readonly expiryHeldUntil: number | null
  readonly strays: number
  /** Workspaces whose records cannot be read. */
  readonly unreadable: number
}

/** All of that as it is now, with so many slots. */
export function operationsOf(work: Upkeep, slots: number): Operations {
  return {
    queue: { ...work.queue(), slots },
    sweeps: work.sweeps(),
    expiryHeldUntil: work.expiryHeldUntil(),
    strays: work.strays().length,
    unreadable: work.population.unreadable(),
  }
}
