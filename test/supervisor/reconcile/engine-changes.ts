import type { WorkspaceId } from '../../../src/workspace/id.ts'
import { eventually, containersOf, createdId } from '../test-service.ts'
import type { startTestService } from '../test-service.ts'

// What tests of reconciliation do to the engine's side of a world.

export type RunningService = Awaited<ReturnType<typeof startTestService>>

/** Makes a workspace that runs. */
export async function runningWorkspace(service: RunningService, name = 'a') {
  const id = createdId(await service.create(name))
  await eventually(() => service.state(id), 'running.up')
  return id
}

/** The id of its container. */
export function containerOf(service: RunningService, id: WorkspaceId): string {
  const [container] = containersOf(service.engine, id)
  if (!container) throw new Error('it has no container')
  return container.containerId
}

/** Nothing is told while the engine is away: what happens then is found by the inventory alone. */
export async function whileDisconnected(service: RunningService, change: () => void) {
  service.engine.disconnect()
  change()
  service.engine.reconnect()
}
