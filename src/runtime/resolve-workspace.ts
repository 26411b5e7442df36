import type { Guest } from '../provider/guest.ts'
import type { Caller } from '../workspace/caller.ts'
import type { WorkspaceId } from '../workspace/id.ts'
import type { WorkspaceRef } from '../workspace/workspace-ref.ts'

/** Finds a workspace for a caller. To anyone but its owner and operators it does not exist (law 11). */
export type ResolveWorkspace = (id: WorkspaceId, caller: Caller) => ResolvedWorkspace

export type ResolvedWorkspace =
  | ({
      readonly kind: 'found'
      readonly state: string
      /** Usable now. */
      readonly ready: boolean
      /** Nothing is in progress. */
      readonly settled: boolean
    } & GuestTarget)
  /** Its record cannot be read, so its container is unknown. */
  | { readonly kind: 'quarantined' }
  | WorkspaceNotFound

/** A workspace, and the port through which its guest is used. */
export interface GuestTarget {
  readonly workspace: WorkspaceRef
  readonly guest: Guest
}

export interface WorkspaceNotFound {
  readonly kind: 'not-found'
}

export interface WorkspaceNotRunning {
  readonly kind: 'not-running'
  readonly state: string
}

/** Resolves a workspace that has to be usable now. */
export function resolveRunning(
  resolveWorkspace: ResolveWorkspace,
  id: WorkspaceId,
  caller: Caller,
): ({ readonly kind: 'running' } & GuestTarget) | WorkspaceNotFound | WorkspaceNotRunning {
  const resolved = resolveWorkspace(id, caller)
  if (resolved.kind === 'not-found') return resolved
  if (resolved.kind === 'quarantined') return { kind: 'not-running', state: 'failed' }
  const { workspace, guest, ready, state } = resolved
  return ready ? { kind: 'running', workspace, guest } : { kind: 'not-running', state }
}
