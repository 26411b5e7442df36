import { isDeepStrictEqual } from 'node:util'
import type { WorkspaceObservation } from '../machines/workspace-event.ts'
import type { WorkspaceSnapshot } from '../machines/workspace-snapshot.ts'
import { statePath } from '../machines/workspace-snapshot.ts'
import type { ContainerExit, ContainerRecord } from '../workspace/container.ts'

const unknownExit: ContainerExit = { code: null, outOfMemory: false, wentDownWithEngine: false }

/** Is nothing under way in this state, so that what the engine has can be held against it? */
export function isSettled(snapshot: WorkspaceSnapshot): boolean {
  return snapshot.status === 'active' && !snapshot.hasTag('busy')
}

/**
 * What an inventory says of a workspace at rest (law 8): the engine is the truth about containers, the database about intent. `found` is
 * every container that carries the workspace's id. `null`: they agree, or the workspace is on its way and will see for itself.
 */
export function detectDrift(
  snapshot: WorkspaceSnapshot,
  containers: readonly ContainerRecord[],
  at: number,
): WorkspaceObservation | null {
  const { containerId } = snapshot.context
  if (!isSettled(snapshot) || containerId === null) return null
  const by = 'system:reconcile'
  const own = containers.find((container) => container.containerId === containerId)
  if (!own) return { type: 'vanished', at, by, containerId }
  switch (statePath(snapshot.value)) {
    case 'running.up':
      if (own.state.kind === 'running') {
        const { connection } = own.state
        return isDeepStrictEqual(connection, snapshot.context.connection)
          ? null
          : { type: 'appeared', at, by, containerId, connection }
      }
      return { type: 'exited', at, by, containerId, exit: own.state.kind === 'exited' ? own.state.exit : unknownExit }
    case 'stopped.idle':
      if (own.state.kind !== 'running') return null
      return { type: 'appeared', at, by, containerId, connection: own.state.connection }
    default:
      return null
  }
}
