import type { ContainerExit, ContainerRecord } from '../../../src/workspace/container.ts'
import type { WorkspaceId } from '../../../src/workspace/id.ts'
import type { SeededRandom } from '../../seeded-random.ts'

/** A container as its engine has it. */
export interface HostContainer {
  readonly containerId: string
  readonly installation: string
  readonly workspaceId: WorkspaceId
  state: ContainerRecord['state']
}

/** What befell a workspace's container that its supervisor did not ask for, or was not told the truth about. */
export type HostEventKind = 'fault' | 'late' | 'ended' | 'out-of-memory' | 'removed' | 'run-by-hand' | 'with-engine'

export interface HostEvent {
  readonly kind: HostEventKind
  /** On the clock that never jumps. */
  readonly at: number
}

/** The host's side of an engine: its containers, and whatever happens to them there. It outlives every process that asks it. */
export interface EngineHost {
  readonly containers: ReadonlyMap<string, HostContainer>
  /** Why something may be otherwise than it was asked for, by workspace, oldest first. */
  readonly hostEvents: ReadonlyMap<WorkspaceId, readonly HostEvent[]>
  /** How often a container was made for a workspace. */
  createdCount(id: WorkspaceId): number
  containersOf(installation: string, id: WorkspaceId): readonly HostContainer[]
  /** A name is taken once, and the name is made from the workspace's id: a second create finds the first one's container. */
  createContainer(installation: string, id: WorkspaceId): HostContainer
  /** The same without a name, as nobody should. */
  placeContainer(installation: string, id: WorkspaceId, running: boolean): HostContainer
  runContainer(container: HostContainer): void
  endContainer(container: HostContainer, exit: ContainerExit): void
  removeContainer(container: HostContainer): void
  recordEvent(id: WorkspaceId, kind: HostEventKind): void
}

/** @param onChange Told of every container that is not as it was. */
export function engineHost(
  { hex, integer }: SeededRandom,
  monotonic: () => number,
  onChange: (container: HostContainer) => void,
): EngineHost {
  const containers = new Map<string, HostContainer>()
  const hostEvents = new Map<WorkspaceId, HostEvent[]>()
  const createdCounts = new Map<WorkspaceId, number>()

  const containersOf = (installation: string, id: WorkspaceId) =>
    [...containers.values()].filter(
      (container) => container.workspaceId === id && container.installation === installation,
    )

  function placeContainer(installation: string, workspaceId: WorkspaceId, running: boolean): HostContainer {
    const container: HostContainer = { containerId: hex(64), installation, workspaceId, state: { kind: 'created' } }
    containers.set(container.containerId, container)
    createdCounts.set(workspaceId, (createdCounts.get(workspaceId) ?? 0) + 1)
    if (running) runContainer(container)
    return container
  }

  // The engine picks a port for each run.
  function runContainer(container: HostContainer) {
    if (container.state.kind === 'running') return
    const connection = { container_id: container.containerId.slice(0, 12), ports: { '80': integer(30_000, 60_000) } }
    container.state = { kind: 'running', connection }
    onChange(container)
  }

  return {
    containers,
    hostEvents,
    createdCount: (id) => createdCounts.get(id) ?? 0,
    containersOf,
    createContainer: (installation, id) => containersOf(installation, id)[0] ?? placeContainer(installation, id, false),
    placeContainer,
    runContainer,
    endContainer(container, exit) {
      if (container.state.kind !== 'running') return
      container.state = { kind: 'exited', exit }
      onChange(container)
    },
    removeContainer(container) {
      if (containers.delete(container.containerId)) onChange(container)
    },
    recordEvent(id, kind) {
      const events = hostEvents.get(id) ?? []
      events.push({ kind, at: monotonic() })
      hostEvents.set(id, events)
    },
  }
}
