import { describe, expect, it } from 'vitest'
import type { Verb } from '../provider/fake-provider.ts'
import { simulatedClock } from './simulated-clock.ts'
import { ann, comes, containersOf, gate, idOf, reader, root, start, startOn } from './world.ts'

const steps = ['image', 'container', 'boot', 'setup'] as const satisfies Verb[]

describe('law 3: every effect may run twice', () => {
  it.each(steps)(
    'an engine that did the step %s and answered 500 all the same is asked again, and one container comes of it',
    async (verb) => {
      const world = await start()
      world.engine.failNext(verb, { again: 'later', message: 'engine says 500' }, { worked: true })
      const id = idOf(await world.create('a'))
      await comes(() => world.state(id), 'running.up')
      expect(containersOf(world.engine, id)).toHaveLength(1)
      expect(world.lines(id).find(({ event }) => event === `${verb}.failed`)).toMatchObject({ tries: 1 })
    },
  )
})

describe('law 4: delete is legal from every state and always gets there', () => {
  it.each(steps)('a create that is deleted while its step %s is slow leaves no container', async (verb) => {
    const world = await start()
    const slow = gate()
    world.engine.before(verb, () => slow.opened)
    const id = idOf(await world.create('a'))
    await comes(() => world.state(id), `creating.${verb}`)
    expect(await world.tell(id, { type: 'delete' })).toMatchObject({ kind: 'accepted' })
    expect(world.look(id)).toBeUndefined()
    expect(await world.create('a')).toMatchObject({ kind: 'created' }) // the name is free at once
    await comes(() => world.state(id), 'gone')
    slow.open()
    expect(containersOf(world.engine, id)).toEqual([])
    expect(reader(world.path).row(id)).toBeUndefined()
    expect(world.trail(id).at(-1)).toBe('deleted')
    expect(world.supervisor.history(id, ann, 0, 100)?.length).toBeGreaterThan(3)
  })

  it.each(steps)('a removal does not overtake the step %s that it cut off and that does not hear it', async (verb) => {
    const order: string[] = []
    const release = gate()
    const world = await start({
      providers: (engine) => {
        const real = engine.provider()
        // A provider whose step is not to be called off: it does its work later, whatever the signal says.
        const deaf = new AbortController().signal
        const late = <T>(work: () => Promise<T>) =>
          release.opened.then(async () => {
            const answer = await work()
            order.push(verb)
            return answer
          })
        return [
          {
            ...real,
            ...(verb === 'image' && { image: (subject, _, tell) => late(() => real.image(subject, deaf, tell)) }),
            ...(verb === 'container' && { container: (subject) => late(() => real.container(subject, deaf)) }),
            ...(verb === 'boot' && { boot: (subject) => late(() => real.boot(subject, deaf)) }),
            ...(verb === 'setup' && { setup: (subject, _, tell) => late(() => real.setup(subject, deaf, tell)) }),
            remove: (id, containerId, signal) => {
              order.push('remove')
              return real.remove(id, containerId, signal)
            },
          } satisfies typeof real,
        ]
      },
    })
    const id = idOf(await world.create('a'))
    await comes(() => world.state(id), `creating.${verb}`)
    await world.tell(id, { type: 'delete' })
    release.open()
    await comes(() => world.state(id), 'gone')
    expect(order).toEqual([verb, 'remove'])
    expect(containersOf(world.engine, id)).toEqual([])
  })

  it('every state at rest and on the way can be deleted', async () => {
    const world = await start({ concurrency: 1 })
    const make = async (name: string, template = 'base') => idOf(await world.create(name, ann, { template }))
    const running = await make('running')
    const stopped = await make('stopped')
    const failed = await make('failed', 'broken')
    await comes(() => [running, stopped, failed].map(world.state), ['running.up', 'running.up', 'failed'])
    await world.tell(stopped, { type: 'stop' })
    await comes(() => world.state(stopped), 'stopped.idle')

    const slow = gate()
    const off = [world.engine.before('halt', () => slow.opened), world.engine.before('boot', () => slow.opened)]
    const stopping = await make('stopping')
    await comes(() => world.state(stopping), 'creating.boot')
    off[1]?.()
    slow.open()
    await comes(() => world.state(stopping), 'running.up')
    const hold = gate()
    world.engine.before('halt', () => hold.opened)
    world.engine.before('boot', () => hold.opened)
    await world.tell(stopping, { type: 'stop' })
    await world.tell(running, { type: 'restart' })
    await world.tell(stopped, { type: 'start' }) // takes the only slot
    const queued = await make('queued')
    await comes(
      () => [running, stopped, failed, stopping, queued].map(world.state),
      ['running.restarting.halting', 'stopped.starting.boot', 'failed', 'running.stopping.halting', 'creating.queued'],
    )
    for (const id of [queued, stopping, running, stopped, failed])
      expect(await world.tell(id, { type: 'delete' })).toMatchObject({ kind: 'accepted' })
    await comes(() => world.supervisor.list({ owner: '*' }, root).workspaces.length, 0)
    expect(world.engine.containers.size).toBe(0)
    expect(world.supervisor.queue()).toEqual({ queued: 0, working: 0 })
  })

  it('one that was put back and is deleted before it goes on has its removal begun once', async () => {
    const clock = simulatedClock()
    const world = await start({ clock, provisionerIntervalMs: 5000 })
    const { db } = world.database
    const boot = gate()
    world.engine.before('boot', () => boot.opened)
    const id = idOf(await world.create('a'))
    await comes(() => world.state(id), 'creating.boot')
    db.exec(`CREATE TRIGGER refuse BEFORE UPDATE ON workspaces BEGIN SELECT RAISE(ABORT, 'refused by the test'); END`)
    boot.open()
    await comes(() => world.errors().length, 1)
    db.exec('DROP TRIGGER refuse')
    const removal = gate()
    world.engine.before('remove', () => removal.opened)
    await world.tell(id, { type: 'delete' })
    await clock.pass(20_000) // sweeps that would have let it go on
    removal.open()
    await comes(() => world.state(id), 'gone')
    expect(world.engine.calls.filter(({ verb }) => verb === 'remove')).toHaveLength(1)
  })

  it('a workspace that waits to try again can be deleted', async () => {
    const world = await start()
    world.engine.before('boot', () => ({ again: 'later', message: 'not now' }))
    const id = idOf(await world.create('a'))
    await comes(() => world.state(id), 'creating.waiting')
    await world.tell(id, { type: 'delete' })
    await comes(() => world.state(id), 'gone')
    expect(containersOf(world.engine, id)).toEqual([])
  })

  it('a delete while the engine is away is hidden at once, survives a restart of the service, and is done when the engine is back', async () => {
    const world = await start()
    const id = idOf(await world.create('a'))
    await comes(() => world.state(id), 'running.up')
    world.engine.leave()
    await world.tell(id, { type: 'delete' })
    expect(world.look(id)).toBeUndefined()
    expect(await world.tell(id, { type: 'start' })).toEqual({ kind: 'unknown' })
    await comes(() => world.state(id), 'deleting.waiting')
    expect(world.supervisor.list({ owner: '*' }, root).workspaces).toHaveLength(1)
    expect(containersOf(world.engine, id)).toHaveLength(1)
    await world.close()
    const next = startOn(world.path, world.engine)
    await next.supervisor.rehydrated
    expect(next.look(id)).toBeUndefined()
    await comes(() => next.state(id), 'deleting.waiting')
    world.engine.comeBack()
    await comes(() => next.state(id), 'gone', 1500) // at once: its own pause would be longer by now
    expect(containersOf(world.engine, id)).toEqual([])
  })

  it('a delete is waited for as long as its asker has patience, and no longer', async () => {
    const world = await start()
    const quick = idOf(await world.create('quick'))
    const slow = idOf(await world.create('slow'))
    await comes(() => [quick, slow].map(world.state), ['running.up', 'running.up'])
    await world.tell(quick, { type: 'delete' })
    await world.supervisor.gone(quick, 60_000)
    expect(world.state(quick)).toBe('gone')
    const removal = gate()
    world.engine.before('remove', () => removal.opened)
    await world.tell(slow, { type: 'delete' })
    const began = performance.now()
    await world.supervisor.gone(slow, 100)
    expect(performance.now() - began).toBeLessThan(1000)
    expect(world.state(slow)).toBe('deleting.destroying')
    removal.open()
    await comes(() => world.state(slow), 'gone')
    await world.supervisor.gone(slow, 60_000)
  })

  it('of two deletes at the same moment neither is refused', async () => {
    const world = await start()
    const id = idOf(await world.create('a'))
    await comes(() => world.state(id), 'running.up')
    const told = await Promise.all([world.tell(id, { type: 'delete' }), world.tell(id, { type: 'delete' })])
    expect(told.map(({ kind }) => kind)).toEqual(['accepted', 'unknown'])
  })
})
