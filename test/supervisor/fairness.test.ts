import { describe, expect, it } from 'vitest'
import type { WorkspaceId } from '../../src/workspace/id.ts'
import { newWorkspaceId } from '../../src/workspace/id.ts'
import { slots } from '../../src/supervisor/slots.ts'
import { ann, asker, ben, comes, gate, idOf, start } from './world.ts'

describe('slots', () => {
  it('go to one owner after the other, and within one owner in the order of asking', () => {
    const served: string[] = []
    const names = new Map<WorkspaceId, string>()
    const pool = slots(1, (id) => (served.push(names.get(id) ?? '?'), true))
    const ask = (owner: string, n: number) => {
      const id = newWorkspaceId()
      names.set(id, `${owner}${n}`)
      pool.note(id, owner, 'queued')
    }
    for (const n of [1, 2, 3]) ask('ann', n)
    for (const n of [1, 2]) ask('ben', n)
    ask('cy', 1)
    for (const [id] of names) {
      pool.pump()
      const [working] = [...names].filter(([, name]) => name === served.at(-1)).map(([key]) => key)
      pool.note(working ?? id, 'any', 'rest')
    }
    expect(served).toEqual(['ann1', 'ben1', 'cy1', 'ann2', 'ben2', 'ann3'])
    expect(pool.counts()).toEqual({ queued: 0, working: 0 })
  })

  it('one that is not wanted any more goes to the next, and is not lost', () => {
    const served: WorkspaceId[] = []
    const [gone, next] = [newWorkspaceId(), newWorkspaceId()]
    const pool = slots(1, (id) => id !== gone && served.push(id) > 0)
    pool.note(gone, 'ann', 'queued')
    pool.note(next, 'ann', 'queued')
    pool.pump()
    expect(served).toEqual([next])
    expect(pool.counts()).toEqual({ queued: 0, working: 1 })
  })
})

describe('provisioning', () => {
  it('a thousand creates of one owner do not hold up another owner’s one', async () => {
    const world = await start({ concurrency: 4 })
    let served = 0
    world.engine.before('image', () => {
      served += 1
      return undefined
    })
    const flood = Array.from({ length: 1000 }, (_, n) => world.create(`w${n}`, ann))
    await Promise.all(flood)
    const began = served
    const id = idOf(await world.create('one', ben))
    await comes(() => world.state(id), 'running.up')
    expect(served - began).toBeLessThan(50)
    expect(world.supervisor.queue().queued).toBeGreaterThan(500)
  })

  it('no more than the set number is provisioned at a time, starts included', async () => {
    const world = await start({ concurrency: 3 })
    let now = 0
    let most = 0
    world.engine.before('boot', async () => {
      now += 1
      most = Math.max(most, now)
      await new Promise((resolve) => setTimeout(resolve, 2)) // a boot that takes a while
      now -= 1
      return undefined
    })
    const ids = await Promise.all(
      Array.from({ length: 30 }, async (_, n) => idOf(await world.create(`w${n}`, asker(`owner${n % 4}`)))),
    )
    await comes(() => ids.every((id) => world.state(id) === 'running.up'), true)
    for (const { containerId } of world.engine.containers.values()) world.engine.exit(containerId, { withEngine: true })
    await comes(() => ids.every((id) => world.trail(id).filter((state) => state === 'running.up').length === 2), true)
    expect(most).toBe(3)
  })

  it('a slot comes back after a failure, a delete, a wait, a stop and a lost step', async () => {
    const world = await start({ concurrency: 1 })
    const make = async (name: string, template = 'base') => idOf(await world.create(name, ann, { template }))
    const failed = await make('failed', 'broken')
    await comes(() => world.state(failed), 'failed')

    const hold = gate()
    const off = world.engine.before('boot', () => hold.opened)
    const deleted = await make('deleted')
    await comes(() => world.state(deleted), 'creating.boot')
    await world.tell(deleted, { type: 'delete' })
    const stopped = await make('stopped')
    await comes(() => world.state(stopped), 'creating.boot')
    off()
    hold.open()
    await comes(() => world.state(stopped), 'running.up')

    world.engine.failNext('boot', { again: 'later', message: 'not now' })
    const waiting = await make('waiting')
    await comes(() => world.state(waiting), 'creating.waiting')
    const next = await make('next')
    await comes(() => world.state(next), 'running.up')
    await comes(() => world.state(waiting), 'running.up')

    const { db } = world.database
    const image = gate()
    world.engine.before('image', () => image.opened)
    const lost = await make('lost')
    await comes(() => world.state(lost), 'creating.image')
    db.exec(`CREATE TRIGGER refuse BEFORE UPDATE ON workspaces BEGIN SELECT RAISE(ABORT, 'refused by the test'); END`)
    image.open()
    await comes(() => world.errors().length > 0, true)
    db.exec('DROP TRIGGER refuse')
    await comes(() => world.state(lost), 'running.up')
    expect(world.supervisor.queue()).toEqual({ queued: 0, working: 0 })
  })

  it('one that was put back while it waited for its slot gets it only when it goes on, deadline and all', async () => {
    const world = await start({ concurrency: 1, provisionerIntervalMs: 200 })
    const image = gate()
    world.engine.before('image', () => image.opened)
    const first = idOf(await world.create('first'))
    const second = idOf(await world.create('second'))
    await comes(() => [first, second].map(world.state), ['creating.image', 'creating.queued'])
    const { db } = world.database
    db.exec(
      `CREATE TRIGGER refuse BEFORE UPDATE ON workspaces WHEN old.name = 'second' BEGIN SELECT RAISE(ABORT, 'refused by the test'); END`,
    )
    expect(await world.tell(second, { type: 'amend', name: 'other' })).toMatchObject({ kind: 'not-written' })
    db.exec('DROP TRIGGER refuse')
    image.open()
    await comes(() => [first, second].map(world.state), ['running.up', 'running.up'])
    const events = world.lines(second).map(({ event }) => event)
    expect(events.slice(0, 3)).toEqual(['create', 'resume', 'granted'])
  })
})
