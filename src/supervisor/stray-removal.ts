import type { Journal } from '../persistence/journal.ts'
import type { Asker, NotWritten } from './asked.ts'
import type { Clock } from './clock.ts'
import type { Upkeep } from './upkeep.ts'

export interface StrayDeps extends Pick<Upkeep, 'strays' | 'reconcile'> {
  readonly journal: Journal
  readonly clock: Clock
  /** Told that the journal has a new line. */
  readonly told: () => void
}

/**
 * Removes a container that belongs to no workspace: its workspace is written down as given up, and then it goes as anything does that
 * was deleted (law 8). Operators only. May be repeated.
 */
export function strayRemoval({ journal, clock, told, strays, reconcile }: StrayDeps) {
  return async (
    containerId: string,
    { owner, operator }: Asker,
  ): Promise<{ kind: 'removed' | 'unknown' } | NotWritten> => {
    const stray = operator && strays().find((found) => found.containerId === containerId)
    if (!stray) return { kind: 'unknown' }
    try {
      journal.giveUp({ workspace: stray.workspaceId, owner, at: clock.now(), by: `user:${owner}` })
    } catch (error) {
      return { kind: 'not-written', error }
    }
    told()
    await reconcile()
    return { kind: 'removed' }
  }
}
