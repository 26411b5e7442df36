import type { WorkspaceId } from '../../../workspace/id.ts'
import type { Engine } from '../engine/engine.ts'
import { hasInstallationLabel, labelFilter } from '../engine/labels.ts'
import type { EngineResult } from '../engine/engine-result.ts'
import { jsonField, arrayField, numberField, stringField } from '../engine/json-fields.ts'

/** A container of ours as the engine's list shows it. */
export interface ContainerSummary {
  readonly id: string
  /** The engine's word: `created`, `running`, `paused`, `restarting`, `removing`, `exited`, `dead`. */
  readonly state: string
  readonly labels: unknown
  readonly network: string | undefined
  /** Ports inside, and where on the host they are published. */
  readonly ports: Readonly<Record<string, number>>
}

/**
 * Every container of `installation`, or of its workspace `workspaceId`, in whatever state. Whole or a fault: a list
 * that is cut short or is not what we know a list to be must not be taken for the truth, since what is not in it counts
 * as gone (law 8).
 */
export function listContainers(
  engine: Engine,
  installation: string,
  workspaceId: WorkspaceId | undefined,
  signal: AbortSignal,
): Promise<EngineResult<readonly ContainerSummary[]>> {
  const filters = { label: labelFilter(installation, workspaceId) }
  return engine.request(
    {
      action: 'list containers',
      timeoutMs: engine.timeouts.readMs,
      async run(docker, abortSignal) {
        const entries: unknown = await docker.listContainers({ all: true, filters, abortSignal })
        if (!Array.isArray(entries)) throw new Error("the engine's list of containers is no list")
        // Who stands between us and the engine may pass over the filter; what is not ours is not touched all the same.
        return entries.map(parseContainerSummary).filter(({ labels }) => hasInstallationLabel(labels, installation))
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
    throw new Error("the engine's list of containers has an entry without Id, State or Labels")
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
