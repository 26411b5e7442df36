import { ok, type Outcome } from '../../../workspace/fault.ts'
import type { WorkspaceRef } from '../../../workspace/workspace-ref.ts'
import type { Engine } from '../engine/engine.ts'
import { listContainers } from '../observe/list-containers.ts'
import { inspectOwnContainer } from '../observe/inspect.ts'

const stopTimeoutSeconds = 10

/**
 * Stops the workspace's container: TERM, then KILL after ten seconds. Not running, or removed, is success. May be
 * repeated.
 */
export async function stop(
  engine: Engine,
  { id: workspaceId, containerId: knownId }: WorkspaceRef,
  signal: AbortSignal,
): Promise<Outcome<void>> {
  let containerIds = knownId === null ? [] : [knownId]
  if (knownId === null) {
    const containers = await listContainers(engine, signal, workspaceId)
    if (!containers.ok) return containers
    containerIds = containers.value.map((container) => container.id)
  }
  for (const containerId of containerIds) {
    const inspection = await inspectOwnContainer(engine, { workspaceId, containerId }, signal)
    if (!inspection.ok && inspection.status === 404) continue
    if (!inspection.ok) return inspection
    const stopResult = await engine.request<void>(
      {
        action: 'stop the container',
        timeoutMs: engine.timeouts.stopMs,
        longRunning: true,
        run: (docker, abortSignal) => docker.getContainer(containerId).stop({ t: stopTimeoutSeconds, abortSignal }),
      },
      signal,
    )
    if (!stopResult.ok && stopResult.status !== 304 && stopResult.status !== 404) return stopResult
  }
  return ok(undefined)
}
