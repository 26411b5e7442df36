import type { Exit, Found } from '../../src/workspace/container.ts'
import type { WorkspaceId } from '../../src/workspace/id.ts'
import type { Chance } from '../chance.ts'

/** A container as its engine has it. */
export interface Container {
  readonly containerId: string
  readonly installation: string
  readonly workspaceId: WorkspaceId
  state: Found['state']
}

/** What befell a workspace's container that its supervisor did not ask for, or was not told the truth about. */
export type Trouble = 'fault' | 'late' | 'ended' | 'out-of-memory' | 'removed' | 'run-by-hand' | 'with-engine'

export interface Misfortune {
  readonly trouble: Trouble
  /** On the clock that never jumps. */
  readonly at: number
}

/** The host's side of an engine: its containers, and whatever happens to them there. It outlives every process that asks it. */
export interface EngineHost {
  readonly containers: ReadonlyMap<string, Container>
  /** Why something may be otherwise than it was asked for, by workspace, oldest first. */
  readonly misfortunes: ReadonlyMap<WorkspaceId, readonly Misfortune[]>
  /** How often a container was made for a workspace. */
  made(id: WorkspaceId): number
  of(installation: string, id: WorkspaceId): readonly Container[]
  /** A name is taken once, and the name is made from the workspace's id: a second create finds the first one's container. */
  make(installation: string, id: WorkspaceId): Container
  /** The same without a name, as nobody should. */
  place(installation: string, id: WorkspaceId, running: boolean): Container
  run(container: Container): void
  end(container: Container, exit: Exit): void
  remove(container: Container): void
  blame(id: WorkspaceId, trouble: Trouble): void
}

/** @param changed Told of every container that is not as it was. */
export function engineHost(
  { hex, between }: Chance,
  monotonic: () => number,
  changed: (container: Container) => void,
): EngineHost {
  const containers = new Map<string, Container>()
  const misfortunes = new Map<WorkspaceId, Misfortune[]>()
  const made = new Map<WorkspaceId, number>()

  const of = (installation: string, id: WorkspaceId) =>
    [...containers.values()].filter((it) => it.workspaceId === id && it.installation === installation)

  function place(installation: string, workspaceId: WorkspaceId, running: boolean): Container {
    const container: Container = { containerId: hex(64), installation, workspaceId, state: { kind: 'made' } }
    containers.set(container.containerId, container)
    made.set(workspaceId, (made.get(workspaceId) ?? 0) + 1)
    if (running) run(container)
    return container
  }

  // The engine picks a port for each run.
  function run(container: Container) {
    if (container.state.kind === 'running') return
    const connection = { container_id: container.containerId.slice(0, 12), ports: { '80': between(30_000, 60_000) } }
    container.state = { kind: 'running', connection }
    changed(container)
  }

  return {
    containers,
    misfortunes,
    made: (id) => made.get(id) ?? 0,
    of,
    make: (installation, id) => of(installation, id)[0] ?? place(installation, id, false),
    place,
    run,
    end(container, exit) {
      if (container.state.kind !== 'running') return
      container.state = { kind: 'exited', exit }
      changed(container)
    },
    remove(container) {
      if (containers.delete(container.containerId)) changed(container)
    },
    blame(id, trouble) {
      const all = misfortunes.get(id) ?? []
      all.push({ trouble, at: monotonic() })
      misfortunes.set(id, all)
    },
  }
}
