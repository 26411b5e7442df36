import type { WorkspaceId } from '../../../workspace/id.ts'
import type { Engine } from '../engine/engine.ts'
import { hasInstallationLabel, workspaceIdOfLabels } from '../engine/labels.ts'
import type { EngineResult } from '../engine/engine-result.ts'
import { jsonField } from '../engine/json-fields.ts'

/** A container and the workspace that it should belong to. */
export interface ContainerRef {
  readonly workspaceId: WorkspaceId
  readonly containerId: string
}

/** Inspects any container by id or name. Status 404 if it does not exist. */
export function inspectContainer(
  engine: Engine,
  idOrName: string,
  signal: AbortSignal,
): Promise<EngineResult<unknown>> {
  return engine.request<unknown>(
    {
      action: 'inspect the container',
      timeoutMs: engine.timeouts.readMs,
      run: (docker, abortSignal) => docker.getContainer(idOrName).inspect({ abortSignal }),
    },
    signal,
  )
}

/** Inspects a workspace's container. A container with other labels counts as missing (law 8). */
export async function inspectOwnContainer(
  engine: Engine,
  { workspaceId, containerId }: ContainerRef,
  signal: AbortSignal,
): Promise<EngineResult<unknown>> {
  const result = await inspectContainer(engine, containerId, signal)
  if (!result.ok || belongsToWorkspace(engine, workspaceId, result.value)) return result
  const reason = `The container ${containerId.slice(0, 12)} does not belong to this workspace.`
  return { ok: false, status: 404, reason, fault: { kind: 'missing', message: reason } }
}

/** True if the inspected container carries the labels of the workspace in the engine's installation. */
export function belongsToWorkspace(engine: Engine, workspaceId: WorkspaceId, inspection: unknown): boolean {
  const labels = jsonField(inspection, 'Config', 'Labels')
  return hasInstallationLabel(labels, engine.installation) && workspaceIdOfLabels(labels) === workspaceId
}

/** True if the inspected container is running. A paused container counts as running. */
export function isRunning(inspection: unknown): boolean {
  return jsonField(inspection, 'State', 'Running') === true
}
