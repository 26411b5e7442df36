import type { WorkspaceId } from '../../workspace/id.ts'
import type { Engine } from './engine.ts'
import { isOurs, labelFilter } from './labels.ts'
import type { Answer } from './refusal.ts'
import { field, list, number, text } from './shape.ts'

/** A container of ours as the engine's list shows it. */
export interface Listed {
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
): Promise<Answer<readonly Listed[]>> {
  const filters = { label: labelFilter(installation, workspaceId) }
  return engine.ask(
    {
      what: 'list containers',
      withinMs: engine.deadlines.read,
      async run(docker, abortSignal) {
        const entries: unknown = await docker.listContainers({ all: true, filters, abortSignal })
        if (!Array.isArray(entries)) throw new Error("the engine's list of containers is no list")
        // Who stands between us and the engine may pass over the filter; what is not ours is not touched all the same.
        return entries.map(listed).filter(({ labels }) => isOurs(labels, installation))
      },
    },
    signal,
  )
}

function listed(entry: unknown): Listed {
  const id = text(entry, 'Id')
  const state = text(entry, 'State')
  const labels = field(entry, 'Labels')
  if (!id || !state || typeof labels !== 'object') {
    throw new Error("the engine's list of containers has an entry without Id, State or Labels")
  }
  const published = list(entry, 'Ports').flatMap((port) => {
    const inside = number(port, 'PrivatePort')
    const outside = number(port, 'PublicPort')
    return inside === undefined || outside === undefined ? [] : [[String(inside), outside] as const]
  })
  return { id, state, labels, network: text(entry, 'HostConfig', 'NetworkMode'), ports: Object.fromEntries(published) }
}
