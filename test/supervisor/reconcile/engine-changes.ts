import type { WorkspaceId } from '../../../src/workspace/id.ts'
import { eventually, containersOf, createdId } from '../test-service.ts'
import type { startTestService } from '../test-service.ts'

// Changes that tests of reconciliation make in the engine.

export type RunningService = Awaited<ReturnType<typeof startTestService>>

/** Creates a workspace and waits until it runs. */
export async function runningWorkspace(service: RunningService, name = 'a') {
  const id = createdId(await service.create(name))
  await eventually(() => service.state(id), 'running.up')
  return id
}

/** Returns the id of the workspace's container. */
export function containerOf(service: RunningService, id: WorkspaceId): string {
  const [container] = containersOf(service.engine, id)
  if (!container) throw new Error('the workspace has no container')
  return container.containerId
}

/** Makes a change without a notice, so that only the inventory can find it. */
export async function whileDisconnected(service: RunningService, change: () => void) {
  service.engine.disconnect()
  change()
  service.engine.reconnect()
}
