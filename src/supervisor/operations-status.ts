import type { SweepStatus } from './sweep.ts'
import type { Maintenance } from './maintenance.ts'

/** What goes on without being asked. */
export interface OperationsStatus {
  readonly queue: { readonly queued: number; readonly working: number; readonly slots: number }
  readonly sweeps: readonly SweepStatus[]
  /** Nothing expires before, because the clock has jumped; `null`: it has not. */
  readonly expiryPausedUntil: number | null
  readonly orphans: number
  /** Workspaces whose records cannot be read. */
  readonly quarantined: number
}

/** All of that as it is now, with so many slots. */
export function operationsStatus(maintenance: Maintenance, slots: number): OperationsStatus {
  return {
    queue: { ...maintenance.queue(), slots },
    sweeps: maintenance.sweeps(),
    expiryPausedUntil: maintenance.expiryPausedUntil(),
    orphans: maintenance.orphans().length,
    quarantined: maintenance.actors.quarantinedCount(),
  }
}
