import type { WorkspaceId } from '../../../workspace/id.ts'
import type { Engine } from '../engine/engine.ts'
import { hasInstallationLabel, labelFilter } from '../engine/labels.ts'
import type { EngineResult } from '../engine/engine-result.ts'
import { jsonField, arrayField, numberField, stringField } from '../engine/json-fields.ts'

/** An entry of the engine's container list. */
export interface ContainerSummary {
  readonly id: string
  /** The engine's term: `created`, `running`, `paused`, `restarting`, `removing`, `exited`, `dead`. */
  readonly state: string
  readonly labels: unknown
  readonly network: string | undefined
  /** Container port to published host port. */
  readonly ports: Readonly<Record<string, number>>
}

/**
 * Lists the installation's containers in every state, or those of one workspace. Anything but a complete, well-formed
 * list is a fault, because a container that is not listed counts as removed (law 8).
 */
export function listContainers(
  engine: Engine,
  signal: AbortSignal,
  workspaceId?: WorkspaceId,
): Promise<EngineResult<readonly ContainerSummary[]>> {
  const filters = { label: labelFilter(engine.installation, workspaceId) }
  return engine.request(
    {
      action: 'list containers',
      timeoutMs: engine.timeouts.readMs,
      async run(docker, abortSignal) {
        const entries: unknown = await docker.listContainers({ all: true, filters, abortSignal })
        if (!Array.isArray(entries)) throw new Error("the engine's container list is not an array")
        // A proxy in front of the engine may ignore the filter; foreign containers must stay untouched all the same.
        return entries
          .map(parseContainerSummary)
          .filter(({ labels }) => hasInstallationLabel(labels, engine.installation))
      },
    },
    signal,
  )
}

function parseContainerSummary(entry: unknown): ContainerSummary {
  const id = stringField(entry, 'Id')
  const state = stringField(entry, 'State')
  const labels = jsonField(entry, 'Labels')
  if (!id || !state || typeof labels !== 'object') {
    throw new Error("the engine's container list has an entry without Id, State or Labels")
  }
  const published = arrayField(entry, 'Ports').flatMap((port) => {
    const containerPort = numberField(port, 'PrivatePort')
    const hostPort = numberField(port, 'PublicPort')
    return containerPort === undefined || hostPort === undefined ? [] : [[String(containerPort), hostPort] as const]
  })
  return {
    id,
    state,
    labels,
    network: stringField(entry, 'HostConfig', 'NetworkMode'),
    ports: Object.fromEntries(published),
  }
}
