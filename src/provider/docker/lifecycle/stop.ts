import { ok, type Outcome } from '../../../workspace/fault.ts'
import type { WorkspaceRef } from '../../../workspace/workspace-ref.ts'
import type { Engine } from '../engine/engine.ts'
import { listContainers } from '../observe/list-containers.ts'
import { inspectOwnContainer } from '../observe/inspect.ts'

const stopTimeoutSeconds = 10

/**
 * Makes the subject's container not run: TERM, and KILL ten seconds later. Not running, or gone, is success. May be
 * repeated.
 */
export async function stop(
  engine: Engine,
  installation: string,
  { id: workspaceId, containerId }: WorkspaceRef,
  signal: AbortSignal,
): Promise<Outcome<void>> {
  let containerIds = containerId === null ? [] : [containerId]
  if (containerId === null) {
    const containers = await listContainers(engine, installation, workspaceId, signal)
    if (!containers.ok) return containers
    containerIds = containers.value.map((container) => container.id)
  }
  for (const target of containerIds) {
    const inspection = await inspectOwnContainer(engine, { installation, workspaceId: workspaceId }, target, signal)
    if (!inspection.ok && inspection.status === 404) continue
    if (!inspection.ok) return inspection
    const stopResult = await engine.request<void>(
      {
        action: 'stop the container',
        timeoutMs: engine.timeouts.stopMs,
        longRunning: true,
        run: (docker, abortSignal) => docker.getContainer(target).stop({ t: stopTimeoutSeconds, abortSignal }),
      },
      signal,
    )
    if (!stopResult.ok && stopResult.status !== 304 && stopResult.status !== 404) return stopResult
  }
  return ok(undefined)
}
