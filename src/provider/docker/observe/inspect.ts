import type { WorkspaceId } from '../../../workspace/id.ts'
import type { Engine } from '../engine/engine.ts'
import { hasInstallationLabel, workspaceIdOfLabels } from '../engine/labels.ts'
import type { EngineResult } from '../engine/engine-result.ts'
import { jsonField } from '../engine/json-fields.ts'

/** Everything that the engine says of the container `idOrName`. Status 404 if there is none. */
export function inspectContainer(
  engine: Engine,
  idOrName: string,
  signal: AbortSignal,
): Promise<EngineResult<unknown>> {
  return engine.request<unknown>(
    {
      action: 'look at the container',
      timeoutMs: engine.timeouts.readMs,
      run: (docker, abortSignal) => docker.getContainer(idOrName).inspect({ abortSignal }),
    },
    signal,
  )
}

/** Whose a container is. */
export interface ContainerOwnership {
  readonly installation: string
  readonly workspaceId: WorkspaceId
}

/** As {@link inspectContainer}, for containers of ours: one with other labels is, for us, not there (law 8). */
export async function inspectOwnContainer(
  engine: Engine,
  ownership: ContainerOwnership,
  containerId: string,
  signal: AbortSignal,
): Promise<EngineResult<unknown>> {
  const result = await inspectContainer(engine, containerId, signal)
  if (!result.ok || belongsToWorkspace(result.value, ownership)) return result
  const reason = `the container ${containerId.slice(0, 12)} is not this workspace's`
  return {
    ok: false,
    status: 404,
    reason,
    fault: { kind: 'missing', message: `There is no such container: ${reason}.` },
  }
}

/** True if what an inspect tells is the container of that workspace in that installation. */
export function belongsToWorkspace(info: unknown, { installation, workspaceId }: ContainerOwnership): boolean {
  const labels = jsonField(info, 'Config', 'Labels')
  return hasInstallationLabel(labels, installation) && workspaceIdOfLabels(labels) === workspaceId
}
