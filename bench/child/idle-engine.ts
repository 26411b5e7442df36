import type { Provider } from '../../src/provider/provider.ts'
import { unsupportedGuest } from '../../test/provider/fake/unsupported-guest.ts'
import type { ContainerRecord } from '../../src/workspace/container.ts'
import type { Outcome } from '../../src/workspace/fault.ts'
import { ok, fault } from '../../src/workspace/fault.ts'
import type { WorkspaceId } from '../../src/workspace/id.ts'

/** The container that a seeded workspace has. */
export const containerIdOf = (id: WorkspaceId) => id.replaceAll('-', '').repeat(2)

/** An engine on which every seeded workspace runs, and nothing ever happens. It answers at once. */
export function idleEngine(ids: () => readonly WorkspaceId[]): Provider {
  const refuseCall = async () => fault('permanent', 'nothing is made on an engine at rest')
  return {
    name: 'docker',
    guest: unsupportedGuest,
    image: refuseCall,
    container: refuseCall,
    boot: refuseCall,
    setup: refuseCall,
    stop: refuseCall,
    remove: refuseCall,
    inspect: async (id) => ok(containerRecordOf(id)),
    list: async (): Promise<Outcome<readonly ContainerRecord[]>> => ok(ids().map(containerRecordOf)),
    ping: async () => ok(undefined),
    watch(notify) {
      setImmediate(() => notify({ kind: 'connected' }))
      return { close: () => undefined }
    },
  }
}

function containerRecordOf(workspaceId: WorkspaceId): ContainerRecord {
  const containerId = containerIdOf(workspaceId)
  return {
    workspaceId,
    containerId,
    state: { kind: 'running', connection: { container_id: containerId.slice(0, 12) } },
  }
}
