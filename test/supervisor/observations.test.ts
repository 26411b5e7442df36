import { describe, expect, it } from 'vitest'
import { containerOf, unseen, up } from './engine-side.ts'
import type { World } from './engine-side.ts'
import { comes, containersOf, contextOf, start } from './world.ts'

describe.each(['told of at once', 'found by an inventory'])('law 8: what the engine did, %s', (how) => {
  const notice = async (world: World, happen: () => void) =>
    how === 'told of at once' ? happen() : unseen(world, happen)

  it('a container that ended by itself leaves its workspace stopped, with the exit code', async () => {
    const world = await start()
    const id = await up(world)
    await notice(world, () => world.engine.exit(containerOf(world, id), { code: 3 }))
    await comes(() => world.state(id), 'stopped.idle')
    expect(contextOf(world.look(id)).reason).toMatch(/exit code 3/)
    await world.tell(id, { type: 'start' })
    await comes(() => world.state(id), 'running.up')
  })

  it('a container that was killed for memory leaves its workspace failed, and it says so', async () => {
    const world = await start()
    const id = await up(world)
    await notice(world, () => world.engine.exit(containerOf(world, id), { outOfMemory: true }))
    await comes(() => world.state(id), 'failed')
    expect(contextOf(world.look(id)).reason).toMatch(/ran out of memory/)
  })

  it('a container that went down with its engine is started again', async () => {
    const world = await start()
    const id = await up(world)
    const container = containerOf(world, id)
    await notice(world, () => world.engine.exit(container, { withEngine: true }))
    await comes(() => world.trail(id).includes('stopped.starting.queued') && world.state(id) === 'running.up', true)
    expect(containersOf(world.engine, id).map(({ containerId }) => containerId)).toEqual([container])
  })

  it('a container that was removed by hand leaves its workspace stopped, and is made anew on start', async () => {
    const world = await start()
    const id = await up(world)
    await notice(world, () => world.engine.removeByHand(containerOf(world, id)))
    await comes(() => world.state(id), 'stopped.idle')
    expect(contextOf(world.look(id))).toMatchObject({
      containerId: null,
      reason: expect.stringMatching(/removed by someone else/),
    })
    await world.tell(id, { type: 'start' })
    await comes(() => world.state(id), 'running.up')
    expect(containersOf(world.engine, id)).toHaveLength(1)
  })
})
