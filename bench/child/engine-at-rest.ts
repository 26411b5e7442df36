import type { Provider } from '../../src/provider/provider.ts'
import { nothingInside } from '../../test/provider/nothing-inside.ts'
import type { Found } from '../../src/workspace/container.ts'
import type { Outcome } from '../../src/workspace/fault.ts'
import { done, fault } from '../../src/workspace/fault.ts'
import type { WorkspaceId } from '../../src/workspace/id.ts'

/** The container that a seeded workspace has. */
export const containerOf = (id: WorkspaceId) => id.replaceAll('-', '').repeat(2)

/** An engine on which every seeded workspace runs, and nothing ever happens. It answers at once. */
export function engineAtRest(ids: () => readonly WorkspaceId[]): Provider {
  const refuse = async () => fault('never', 'nothing is made on an engine at rest')
  return {
    name: 'docker',
    inside: nothingInside,
    image: refuse,
    container: refuse,
    boot: refuse,
    setup: refuse,
    halt: refuse,
    remove: refuse,
    clear: refuse,
    inspect: async (id) => done(foundOf(id)),
    inventory: async (): Promise<Outcome<readonly Found[]>> => done(ids().map(foundOf)),
    ready: async () => done(undefined),
    watch(tell) {
      setImmediate(() => tell({ kind: 'connected' }))
      return { close: () => undefined }
    },
  }
}

function foundOf(workspaceId: WorkspaceId): Found {
  const containerId = containerOf(workspaceId)
  return {
    workspaceId,
    containerId,
    state: { kind: 'running', connection: { container_id: containerId.slice(0, 12) } },
  }
}
