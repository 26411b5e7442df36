import type { Provider } from '../../src/provider/provider.ts'
import { unsupportedGuest } from '../../test/provider/fake/unsupported-guest.ts'
import type { ContainerRecord } from '../../src/workspace/container.ts'
import type { Outcome } from '../../src/workspace/fault.ts'
import { ok, fault } from '../../src/workspace/fault.ts'
import type { WorkspaceId } from '../../src/workspace/id.ts'

/** The id of a seeded workspace's container. */
export const containerIdOf = (id: WorkspaceId) => id.replaceAll('-', '').repeat(2)

/** A provider on which every seeded workspace runs and nothing changes. It responds immediately. */
export function idleEngine(ids: () => readonly WorkspaceId[]): Provider {
  const reject = async () => fault('permanent', 'the idle engine is read-only')
  return {
    name: 'docker',
    guest: unsupportedGuest,
    image: reject,
    container: reject,
    boot: reject,
    setup: reject,
    stop: reject,
    remove: reject,
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
