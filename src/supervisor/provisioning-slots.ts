import type { WorkspaceId } from '../workspace/id.ts'

/** Where a workspace stands with provisioning: it waits for a slot, holds one, or wants none. */
export type ProvisioningPhase = 'queued' | 'working' | 'rest'

export interface ProvisioningSlots {
  /** Tells in which phase a workspace is committed to be. */
  update(id: WorkspaceId, owner: string, phase: ProvisioningPhase): void
  /** Gives free slots to those who wait, and answers how many: one owner after the other, and each owner's in the order in which they came. */
  grantFreeSlots(): number
  counts(): { readonly queued: number; readonly working: number }
}

/**
 * Bounds how many workspaces are provisioned at a time, fairly between owners. `grant` is called when it is a workspace's turn; it
 * answers false if the workspace does not want the slot any more.
 */
export function provisioningSlots(size: number, grant: (id: WorkspaceId) => boolean): ProvisioningSlots {
  // A Map keeps the order of insertion: the owner whose turn it is stands first and goes to the end when served.
  const waiting = new Map<string, Set<WorkspaceId>>()
  const working = new Set<WorkspaceId>()

  function leaveQueue(id: WorkspaceId, owner: string) {
    const ownerQueue = waiting.get(owner)
    if (ownerQueue?.delete(id) === true && ownerQueue.size === 0) waiting.delete(owner)
  }

  return {
    update(id, owner, phase) {
      if (phase === 'working') return void working.add(id)
      working.delete(id)
      if (phase === 'rest') return leaveQueue(id, owner)
      const ownerQueue = waiting.get(owner)
      if (ownerQueue) ownerQueue.add(id)
      else waiting.set(owner, new Set([id]))
    },
    grantFreeSlots() {
      let granted = 0
      while (working.size < size) {
        const [next] = waiting
        if (!next) break
        const [owner, ownerQueue] = next
        const [id] = ownerQueue
        waiting.delete(owner)
        if (id === undefined) continue
        ownerQueue.delete(id)
        if (ownerQueue.size > 0) waiting.set(owner, ownerQueue)
        working.add(id)
        if (grant(id)) granted += 1
        else working.delete(id)
      }
      return granted
    },
    counts: () => ({
      queued: [...waiting.values()].reduce((sum, ownerQueue) => sum + ownerQueue.size, 0),
      working: working.size,
    }),
  }
}
