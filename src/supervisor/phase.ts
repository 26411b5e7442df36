import type { WorkspaceSnapshot } from '../machines/workspace-view.ts'
import type { Phase } from './slots.ts'

/** Where a workspace in this state stands with provisioning. */
export function phaseOf(snapshot: WorkspaceSnapshot): Phase {
  if (snapshot.status !== 'active') return 'rest'
  return snapshot.hasTag('queued') ? 'queued' : snapshot.hasTag('working') ? 'working' : 'rest'
}

/** Has its removal failed ten times more? (law 4) */
export function isStubborn(snapshot: WorkspaceSnapshot): boolean {
  const { tries } = snapshot.context
  return tries > 0 && tries % 10 === 0 && snapshot.matches({ deleting: 'waiting' })
}
