import type { WorkspaceSnapshot } from '../machines/workspace-snapshot.ts'
import type { ProvisioningPhase } from './provisioning-slots.ts'

/** Where a workspace in this state stands with provisioning. */
export function provisioningPhaseOf(snapshot: WorkspaceSnapshot): ProvisioningPhase {
  if (snapshot.status !== 'active') return 'rest'
  return snapshot.hasTag('queued') ? 'queued' : snapshot.hasTag('working') ? 'working' : 'rest'
}

/** Has its removal failed ten times more? (law 4) */
export function isDeletionStuck(snapshot: WorkspaceSnapshot): boolean {
  const { attempts } = snapshot.context
  return attempts > 0 && attempts % 10 === 0 && snapshot.matches({ deleting: 'waiting' })
}
