import type { WorkspaceId } from '../workspace/id.ts'

/** Where a workspace stands with provisioning: it waits for a slot, holds one, or wants none. */
export type Phase = 'queued' | 'working' | 'rest'

export interface Slots {
  /** Tells in which phase a workspace is committed to be. */
  note(id: WorkspaceId, owner: string, phase: Phase): void
  /** Gives free slots to those who wait, and answers how many: one owner after the other, and each owner's in the order in which they came. */
  pump(): number
  counts(): { readonly queued: number; readonly working: number }
}

/**
 * Bounds how many workspaces are provisioned at a time, fairly between owners. `grant` is called when it is a workspace's turn; it
 * answers false if the workspace does not want the slot any more.
 */
export function slots(size: number, grant: (id: WorkspaceId) => boolean): Slots {
  // A Map keeps the order of insertion: the owner whose turn it is stands first and goes to the end when served.
  const waiting = new Map<string, Set<WorkspaceId>>()
  const working = new Set<WorkspaceId>()

  function leaveQueue(id: WorkspaceId, owner: string) {
    const mine = waiting.get(owner)
    if (mine?.delete(id) === true && mine.size === 0) waiting.delete(owner)
  }

  return {
    note(id, owner, phase) {
      if (phase === 'working') return void working.add(id)
      working.delete(id)
      if (phase === 'rest') return leaveQueue(id, owner)
      const mine = waiting.get(owner)
      if (mine) mine.add(id)
      else waiting.set(owner, new Set([id]))
    },
    pump() {
      let granted = 0
      while (working.size < size) {
        const [turn] = waiting
        if (!turn) break
        const [owner, mine] = turn
        const [id] = mine
        waiting.delete(owner)
        if (id === undefined) continue
        mine.delete(id)
        if (mine.size > 0) waiting.set(owner, mine)
        working.add(id)
        if (grant(id)) granted += 1
        else working.delete(id)
      }
      return granted
    },
    counts: () => ({
      queued: [...waiting.values()].reduce((sum, mine) => sum + mine.size, 0),
      working: working.size,
    }),
  }
}
