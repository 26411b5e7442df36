import { describe, expect, it } from 'vitest'
import type { WorkspaceId } from '../../src/workspace/id.ts'
import type { Verb } from '../provider/fake-provider.ts'
import { ann, comes, containersOf, contextOf, gate, idOf, start, startOn } from './world.ts'

type World = Awaited<ReturnType<typeof start>>

interface Moment {
  readonly verb: Verb
  /** The state in which it is cut off. */
  readonly state: string
  /** What it comes from; a create needs nothing. */
  readonly from?: (world: World, id: WorkspaceId) => Promise<unknown>
  readonly ends: string
}

const stop = async (world: World, id: WorkspaceId) => {
  await world.tell(id, { type: 'stop' })
  await comes(() => world.state(id), 'stopped.idle')
}

const moments: Readonly<Record<string, Moment>> = {
  'image of a create': { verb: 'image', state: 'creating.image', ends: 'running.up' },
  'container of a create': { verb: 'container', state: 'creating.container', ends: 'running.up' },
  'boot of a create': { verb: 'boot', state: 'creating.boot', ends: 'running.up' },
  'setup of a create': { verb: 'setup', state: 'creating.setup', ends: 'running.up' },
  'halt of a stop': {
    verb: 'halt',
    state: 'running.stopping.halting',
    from: (world, id) => world.tell(id, { type: 'stop' }),
    ends: 'stopped.idle',
  },
  'halt of a restart': {
    verb: 'halt',
    state: 'running.restarting.halting',
    from: (world, id) => world.tell(id, { type: 'restart' }),
    ends: 'running.up',
  },
  'boot of a start': {
    verb: 'boot',
    state: 'stopped.starting.boot',
    from: (world, id) => world.tell(id, { type: 'start' }),
    ends: 'running.up',
  },
  'setup of a start': {
    verb: 'setup',
    state: 'stopped.starting.setup',
    from: (world, id) => world.tell(id, { type: 'start' }),
    ends: 'running.up',
  },
  'removal of a delete': {
    verb: 'remove',
    state: 'deleting.destroying',
    from: (world, id) => world.tell(id, { type: 'delete' }),
    ends: 'gone',
  },
}

const ways = ['close', 'kill'] as const
const sides = ['before', 'after'] as const
const cases = ways.flatMap((way) =>
  sides.flatMap((side) => Object.keys(moments).map((what) => [way, side, what] as const)),
)

describe('law 12: stopping the service is not an event in a workspace’s life', () => {
  it.each(cases)(
    'a %s of the service, %s the engine did its work, at the %s is made up for by the next one',
    async (way, side, what) => {
      const moment = moments[what]
      if (!moment) throw new Error(`no moment ${what}`)
      const world = await start()
      const neighbour = idOf(await world.create('neighbour'))
      await comes(() => world.state(neighbour), 'running.up')
      const never = () => new Promise<undefined>(() => undefined)
      let id: WorkspaceId
      let off = () => undefined as void
      let held = false
      const hold = () =>
        world.engine[side](moment.verb, () => {
          held = true
          return never()
        })
      if (moment.from) {
        id = idOf(await world.create('a'))
        await comes(() => world.state(id), 'running.up')
        if (moment.state.startsWith('stopped')) await stop(world, id)
        off = hold()
        await moment.from(world, id)
      } else {
        off = hold()
        id = idOf(await world.create('a'))
      }
      await comes(() => [world.state(id), held], [moment.state, true])
      await world[way]()
      off()
      const trail = world.engine.calls.length
      const next = startOn(world.path, world.engine, { provisionerIntervalMs: 60_000 }) // no sweep helps it
      await comes(() => next.state(id), moment.ends)
      expect(containersOf(world.engine, id)).toHaveLength(moment.ends === 'gone' ? 0 : 1)
      // The one at rest has heard nothing of it.
      expect(next.state(neighbour)).toBe('running.up')
      expect(world.engine.calls.slice(trail).filter(({ workspaceId }) => workspaceId === neighbour)).toEqual([])
      const revisions = next.database.db
        .prepare<[string], number>('SELECT revision FROM journal WHERE workspace = ? ORDER BY seq')
        .pluck()
        .all(id)
      expect(revisions).toEqual([...new Set(revisions)].toSorted((a, b) => a - b))
    },
  )

  it('a close leaves rows and containers as they are, and neither writes nor asks the engine anything', async () => {
    const world = await start()
    const id = idOf(await world.create('a', ann, { ttlSeconds: 3600 }))
    await comes(() => world.state(id), 'running.up')
    const expiresAt = contextOf(world.look(id)).expiresAt
    const before = {
      lines: world.lines(id),
      calls: world.engine.calls.length,
      containers: [...world.engine.containers.keys()],
    }
    await world.close()
    const next = startOn(world.path, world.engine)
    await next.supervisor.rehydrated
    expect(next.state(id)).toBe('running.up')
    expect(contextOf(next.look(id)).expiresAt).toBe(expiresAt)
    expect(next.lines(id)).toEqual(before.lines)
    expect([...world.engine.containers.keys()]).toEqual(before.containers)
    expect(
      world.engine.calls
        .slice(before.calls)
        .map(({ verb }) => verb)
        .filter((verb) => verb !== 'inventory'),
    ).toEqual([])
  })

  it('a close while creates are answered loses none of them, and one that is told after it is not written', async () => {
    const world = await start()
    const made = Promise.all(Array.from({ length: 20 }, (_, n) => world.create(`w${n}`)))
    await world.close()
    const ids = (await made).map(idOf)
    const next = startOn(world.path, world.engine)
    for (const id of ids) await comes(() => next.state(id), 'running.up')
    expect(world.engine.containers.size).toBe(20)
  })

  it('a close in the middle of rehydration, of an inventory and of a look ends them without an error', async () => {
    const world = await start()
    const id = idOf(await world.create('a'))
    await comes(() => world.state(id), 'running.up')
    await world.close()
    const rejected: unknown[] = []
    const note = (reason: unknown) => void rejected.push(reason)
    process.on('unhandledRejection', note)
    const list = gate()
    world.engine.after('inventory', () => list.opened)
    world.engine.place(id) // a second container of it, which nothing removes
    const next = startOn(world.path, world.engine)
    await next.close()
    list.open()
    await new Promise((resolve) => setTimeout(resolve, 50)) // whatever was under way comes to its end in this time
    process.off('unhandledRejection', note)
    expect(rejected).toEqual([])
    expect(next.errors()).toEqual([])
  })

  it('a create that ended as failed is still failed after a restart, with its reason, and can be started', async () => {
    const world = await start()
    world.engine.failNext('image', { again: 'never', message: 'no such image' })
    const id = idOf(await world.create('a'))
    await comes(() => world.state(id), 'failed')
    const { reason } = contextOf(world.look(id))
    await world.close()
    const next = startOn(world.path, world.engine)
    await next.supervisor.rehydrated
    expect(contextOf(next.look(id)).reason).toBe(reason)
    await next.tell(id, { type: 'start' })
    await comes(() => next.state(id), 'running.up')
  })
})
