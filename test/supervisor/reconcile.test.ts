import { copyFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { newWorkspaceId } from '../../src/workspace/id.ts'
import { containerOf, unseen, up } from './engine-side.ts'
import type { World } from './engine-side.ts'
import { comes, containersOf, contextOf, gate, idOf, newPath, start, startOn } from './world.ts'

/** The next inventory, whole: the second one that begins from now on has seen everything. */
async function inventory(world: Pick<World, 'engine'>) {
  const count = () => world.engine.calls.filter(({ verb }) => verb === 'inventory').length
  const before = count()
  await comes(() => count() > before + 2, true)
}

describe('law 8: both ways', () => {
  it('what happened while the service was down is found at its start', async () => {
    const world = await start()
    const gone = await up(world, 'gone')
    const down = await up(world, 'down')
    const ended = await up(world, 'ended')
    await world.close()
    world.engine.removeByHand(containerOf(world, gone))
    world.engine.exit(containerOf(world, down), { withEngine: true })
    world.engine.exit(containerOf(world, ended), { code: 9 })
    const next = startOn(world.path, world.engine)
    await comes(() => [gone, down, ended].map(next.state), ['stopped.idle', 'running.up', 'stopped.idle'])
  })

  it('a stopped workspace whose container is started by hand runs', async () => {
    const world = await start()
    const id = await up(world)
    await world.tell(id, { type: 'stop' })
    await comes(() => world.state(id), 'stopped.idle')
    const container = containerOf(world, id)
    const provider = world.engine.provider()
    const { context } = { context: contextOf(world.look(id)) }
    await provider.boot({ ...context, containerId: container }, new AbortController().signal)
    await unseen(world, () => undefined)
    await comes(() => world.state(id), 'running.up')
    expect(contextOf(world.look(id)).connection).not.toBeNull()
  })

  it('a container of a workspace that was deleted is removed, with a warning', async () => {
    const world = await start({ janitorIntervalMs: 20 })
    const id = await up(world)
    await world.tell(id, { type: 'delete' })
    await comes(() => world.state(id), 'gone')
    world.engine.place(id)
    await comes(() => world.engine.containers.size, 0)
    expect(world.logged.some(({ level, message }) => level === 'warn' && message.includes('left its container'))).toBe(
      true,
    )
  })

  it('a container that nobody ever heard of is left alone and shown: an older database may have been put back', async () => {
    const world = await start({ janitorIntervalMs: 20 })
    const stranger = newWorkspaceId()
    const containerId = world.engine.place(stranger)
    await comes(() => world.supervisor.strays().map((found) => found.containerId), [containerId])
    await inventory(world)
    expect(world.engine.containers.has(containerId)).toBe(true)
    expect(world.engine.calls.filter(({ verb }) => verb === 'remove')).toEqual([])
    expect(world.logged.filter(({ message }) => message.includes('ever heard of'))).toHaveLength(1)
  })

  it('an older database put back under a newer engine costs nobody a container', async () => {
    const world = await start()
    const old = await up(world, 'old')
    await world.close()
    const older = newPath()
    copyFileSync(world.path, older)
    const between = startOn(world.path, world.engine)
    await between.supervisor.rehydrated
    const young = idOf(await between.create('young'))
    await comes(() => between.state(young), 'running.up')
    await between.tell(old, { type: 'delete' })
    await comes(() => between.state(old), 'gone')
    await between.close()
    const restored = startOn(older, world.engine, { janitorIntervalMs: 20 })
    await comes(() => restored.state(old), 'stopped.idle') // its container is gone, and it says so
    await inventory(world)
    expect(containersOf(world.engine, young)).toHaveLength(1)
    expect(restored.supervisor.strays()).toHaveLength(1)
  })

  it('an inventory that fails changes nothing', async () => {
    const world = await start({ janitorIntervalMs: 20 })
    const id = await up(world)
    world.engine.before('inventory', () => ({ again: 'later', message: 'cut short' }))
    world.engine.before('inspect', () => ({ again: 'later', message: 'cut short' }))
    const stranger = newWorkspaceId()
    world.engine.place(stranger)
    world.engine.removeByHand(containerOf(world, id))
    await inventory(world)
    expect(world.state(id)).toBe('running.up')
    expect(world.supervisor.strays()).toEqual([])
    expect(world.logged.some(({ message }) => message.includes('nothing is reconciled'))).toBe(true)
  })

  it('an inventory that is older than a workspace, or than what it was told, is not held against it', async () => {
    const world = await start({ janitorIntervalMs: 20 })
    const stopped = await up(world, 'stopped')
    const removed = await up(world, 'removed')
    const answer = gate()
    let lists = 0
    // The list is made first and arrives late.
    const off = world.engine.after('inventory', () => {
      lists += 1
      return answer.opened
    })
    await comes(() => lists, 1)
    const young = await up(world, 'young') // not in the list that is on its way
    await world.tell(stopped, { type: 'stop' }) // runs in the list that is on its way
    await world.tell(removed, { type: 'delete' })
    await comes(() => [stopped, removed].map(world.state), ['stopped.idle', 'gone'])
    off()
    answer.open()
    await inventory(world)
    expect([stopped, young].map(world.state)).toEqual(['stopped.idle', 'running.up'])
    expect(world.trail(young).filter((state) => state === 'stopped.idle')).toEqual([])
    expect(world.trail(stopped).filter((state) => state === 'running.up')).toHaveLength(1)
    expect(world.logged.filter(({ message }) => message.includes('left its container'))).toEqual([])
  })

  it('what is noticed while a workspace is on its way is looked at when it rests', async () => {
    const world = await start()
    const setup = gate()
    world.engine.before('setup', () => setup.opened)
    world.engine.after('setup', ({ workspaceId }) => {
      const [container] = workspaceId ? containersOf(world.engine, workspaceId) : []
      if (container) world.engine.exit(container.containerId, { code: 4 })
      return undefined
    })
    const id = idOf(await world.create('a'))
    await comes(() => world.state(id), 'creating.setup')
    setup.open()
    await comes(() => world.state(id), 'stopped.idle')
    expect(contextOf(world.look(id)).reason).toMatch(/exit code 4/)
  })

  it('a reconnect while an inventory is under way is followed by another one', async () => {
    const world = await start()
    const id = await up(world)
    const answer = gate()
    let lists = 0
    const off = world.engine.after('inventory', () => {
      lists += 1
      return answer.opened
    })
    await unseen(world, () => undefined)
    await comes(() => lists, 1)
    await unseen(world, () => world.engine.removeByHand(containerOf(world, id)))
    off()
    answer.open()
    await comes(() => world.state(id), 'stopped.idle')
  })

  it('two installations on one engine never touch each other', async () => {
    const world = await start({ janitorIntervalMs: 20 })
    const other = startOn(newPath(), world.engine, { installation: 'elsewhere', janitorIntervalMs: 20 })
    await other.supervisor.rehydrated
    const mine = await up(world)
    const theirs = idOf(await other.create('a'))
    await comes(() => other.state(theirs), 'running.up')
    await inventory(world)
    expect([world.supervisor.strays(), other.supervisor.strays()]).toEqual([[], []])
    await world.tell(mine, { type: 'delete' })
    await comes(() => world.state(mine), 'gone')
    await inventory(world)
    expect(other.state(theirs)).toBe('running.up')
    expect([...world.engine.containers.values()].map(({ workspaceId }) => workspaceId)).toEqual([theirs])
  })

  it('a provider that throws in its inventory or its look ends nothing', async () => {
    const world = await start({
      janitorIntervalMs: 20,
      providers: (engine) => [
        {
          ...engine.provider(),
          inventory: () => Promise.reject(new Error('a bug')),
          inspect: () => Promise.reject(new Error('a bug')),
        },
      ],
    })
    const id = await up(world)
    world.engine.exit(containerOf(world, id))
    await comes(() => world.errors().length > 3, true)
    expect(await world.tell(id, { type: 'amend', name: 'b' })).toMatchObject({ kind: 'accepted' })
  })

  it('the end of a container that is being deleted is not asked about', async () => {
    const world = await start()
    const id = await up(world)
    await comes(() => world.engine.calls.filter(({ verb }) => verb === 'inventory').length > 0, true)
    const before = world.engine.calls.length
    await world.tell(id, { type: 'delete' }) // the fake tells of the container's end
    await comes(() => world.state(id), 'gone')
    expect(world.engine.calls.slice(before).map(({ verb }) => verb)).toEqual(['remove'])
  })
})
