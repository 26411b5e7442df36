import type { ContainerExit, ContainerRecord } from '../../../src/workspace/container.ts'
import type { WorkspaceId } from '../../../src/workspace/id.ts'
import type { SeededRandom } from '../../seeded-random.ts'

/** A container in the engine. */
export interface HostContainer {
  readonly containerId: string
  readonly installation: string
  readonly workspaceId: WorkspaceId
  state: ContainerRecord['state']
}

/** An event at a container that the supervisor did not cause, or about which it got a wrong answer. */
export type HostEventKind = 'fault' | 'late' | 'ended' | 'out-of-memory' | 'removed' | 'run-by-hand' | 'with-engine'

export interface HostEvent {
  readonly kind: HostEventKind
  /** On the monotonic clock. */
  readonly at: number
}

/** The engine's containers and what happens to them. It outlives every process of the service. */
export interface EngineHost {
  readonly containers: ReadonlyMap<string, HostContainer>
  /** Events that explain unexpected states, by workspace, oldest first. */
  readonly hostEvents: ReadonlyMap<WorkspaceId, readonly HostEvent[]>
  /** Number of containers created for a workspace so far. */
  createdCount(id: WorkspaceId): number
  containersOf(installation: string, id: WorkspaceId): readonly HostContainer[]
  /** Creates a container whose name contains the workspace's id. Names are unique, so a second call returns the same container. */
  createContainer(installation: string, id: WorkspaceId): HostContainer
  /** Creates a container without a name, which may be a duplicate. */
  placeContainer(installation: string, id: WorkspaceId, running: boolean): HostContainer
  runContainer(container: HostContainer): void
  endContainer(container: HostContainer, exit: ContainerExit): void
  removeContainer(container: HostContainer): void
  recordEvent(id: WorkspaceId, kind: HostEventKind): void
}

/** @param onChange Called with every container that has changed. */
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

  // The engine picks a new port on each start.
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
