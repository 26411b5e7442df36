import { ok, fault, type Outcome } from '../../../workspace/fault.ts'
import type { WorkspaceId } from '../../../workspace/id.ts'
import type { Engine } from '../engine/engine.ts'
import { listContainers } from '../observe/list-containers.ts'
import { inspectOwnContainer } from '../observe/inspect.ts'
import { abortableDelay } from '../engine/with-deadline.ts'

/**
 * Removes the workspace's containers: those found by label, and `knownContainerId` if it is ours (laws 8, 9). Repeats
 * until none is left, because the engine reports a concurrent removal as "in progress" and may need a second request.
 * Exceeding the removal timeout is a fault. May be repeated.
 */
export async function remove(
  engine: Engine,
  workspaceId: WorkspaceId,
  knownContainerId: string | null,
  signal: AbortSignal,
): Promise<Outcome<void>> {
  const deadline = performance.now() + engine.timeouts.removeMs
  let unlistedId = knownContainerId
  for (let round = 1; ; round += 1) {
    const containers = await listContainers(engine, signal, workspaceId)
    if (!containers.ok) return containers
    const containerIds = new Set(containers.value.map((container) => container.id))
    if (unlistedId !== null && !containerIds.has(unlistedId)) {
      const inspection = await inspectOwnContainer(engine, { workspaceId, containerId: unlistedId }, signal)
      if (inspection.ok) containerIds.add(unlistedId)
      else if (inspection.status !== 404) return inspection
      else unlistedId = null
    }
    if (containerIds.size === 0) return ok(undefined)

    const results = await Promise.all([...containerIds].map((id) => removeContainer(engine, id, signal)))
    const failure = results.find((result) => !result.ok)
    if (signal.aborted) return fault('transient', 'Aborted while the container was removed.')
    if (failure && !failure.ok && failure.fault.kind === 'unavailable') return failure
    if (performance.now() > deadline)
      return failure ?? fault('transient', 'The container still exists although the engine reported its removal.')
    // Do not poll a concurrent removal in a hot loop.
    if (failure || round > 1) await abortableDelay(engine.timeouts.pollMs, signal)
  }
}

/** Removes a container, running or not (law 9). Already removed is success. May be repeated. */
export async function removeContainer(
  engine: Engine,
  containerId: string,
  signal: AbortSignal,
): Promise<Outcome<void>> {
  const result = await engine.request<void>(
    {
      action: 'remove the container',
      timeoutMs: engine.timeouts.stopMs,
      longRunning: true,
      run: (docker, abortSignal) => docker.getContainer(containerId).remove({ force: true, v: true, abortSignal }),
    },
    signal,
  )
  return !result.ok && result.status === 404 ? ok(undefined) : result
}
