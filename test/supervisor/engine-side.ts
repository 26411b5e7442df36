import type { WorkspaceId } from '../../src/workspace/id.ts'
import { comes, containersOf, idOf } from './world.ts'
import type { start } from './world.ts'

// What tests of reconciliation do to the engine's side of a world.

export type World = Awaited<ReturnType<typeof start>>

/** Makes a workspace that runs. */
export async function up(world: World, name = 'a') {
  const id = idOf(await world.create(name))
  await comes(() => world.state(id), 'running.up')
  return id
}

/** The id of its container. */
export function containerOf(world: World, id: WorkspaceId): string {
  const [container] = containersOf(world.engine, id)
  if (!container) throw new Error('it has no container')
  return container.containerId
}

/** Nothing is told while the engine is away: what happens then is found by the inventory alone. */
export async function unseen(world: World, happen: () => void) {
  world.engine.leave()
  happen()
  world.engine.comeBack()
}
