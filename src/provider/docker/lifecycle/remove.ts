import { ok, fault, type Outcome } from '../../../workspace/fault.ts'
import type { WorkspaceId } from '../../../workspace/id.ts'
import type { Engine } from '../engine/engine.ts'
import { listContainers } from '../observe/list-containers.ts'
import { inspectOwnContainer } from '../observe/inspect.ts'
import { abortableDelay } from '../engine/with-deadline.ts'

/**
 * Makes the workspace's containers not exist: those that its labels find, and `containerId` besides if that is ours
 * (laws 8, 9). Looks again until none is left: the engine says "in progress" of a removal that somebody else began, and
 * may have to be asked twice. What it could not do within its deadline is a fault. May be repeated.
 */
export async function remove(
  engine: Engine,
  installation: string,
  workspaceId: WorkspaceId,
  containerId: string | null,
  signal: AbortSignal,
): Promise<Outcome<void>> {
  const deadline = performance.now() + engine.timeouts.removeMs
  let knownContainerId = containerId
  for (let round = 1; ; round += 1) {
    const containers = await listContainers(engine, installation, workspaceId, signal)
    if (!containers.ok) return containers
    const containerIds = new Set(containers.value.map((container) => container.id))
    if (knownContainerId !== null && !containerIds.has(knownContainerId)) {
      const inspection = await inspectOwnContainer(
        engine,
        { installation, workspaceId: workspaceId },
        knownContainerId,
        signal,
      )
      if (inspection.ok) containerIds.add(knownContainerId)
      else if (inspection.status !== 404) return inspection
      else knownContainerId = null
    }
    if (containerIds.size === 0) return ok(undefined)

    const results = await Promise.all([...containerIds].map((target) => removeContainer(engine, target, signal)))
    const failure = results.find((result) => !result.ok)
    if (signal.aborted) return fault('transient', 'Broken off while the container was removed.')
    if (failure && !failure.ok && failure.fault.kind === 'unavailable') return failure
    if (performance.now() > deadline)
      return failure ?? fault('transient', 'The engine said "removed" of a container that is still there.')
    // What somebody else removes is done when it is done: looking at once would be a hot loop.
    if (failure || round > 1) await abortableDelay(engine.timeouts.pollMs, signal)
  }
}

/** Removes the container `id`, running or not (law 9). Already gone is success. May be repeated. */
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
