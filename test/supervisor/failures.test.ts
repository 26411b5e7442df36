import Sqlite from 'better-sqlite3'
import { describe, expect, it, onTestFinished } from 'vitest'
import { comes, containersOf, idOf, start, startOn } from './world.ts'

// What docs/failures.md promises and no other file holds.

describe('a workspace', () => {
  it('whose template was removed is started, and made anew, from the recipe that it was made with', async () => {
    const first = await start()
    const id = idOf(await first.create('a'))
    await comes(() => first.state(id), 'running.up')
    await first.tell(id, { type: 'stop' })
    await comes(() => first.state(id), 'stopped.idle')
    await first.close()
    const db = new Sqlite(first.path)
    db.exec(
      `UPDATE workspaces SET template = 'removed', snapshot = json_set(snapshot, '$.context.template', 'removed')`,
    )
    db.close()

    const next = startOn(first.path, first.engine)
    expect(await next.create('b', undefined, { template: 'removed' })).toMatchObject({ kind: 'no-such-template' })
    await next.tell(id, { type: 'start' })
    await comes(() => next.state(id), 'running.up')
    const [container] = containersOf(first.engine, id)
    first.engine.removeByHand(container?.containerId ?? '')
    await comes(() => next.state(id), 'stopped.idle')
    await next.tell(id, { type: 'start' })
    await comes(() => next.state(id), 'running.up')
    expect(containersOf(first.engine, id)).toMatchObject([{ state: { kind: 'running' }, ran: ['postStartCommand'] }])
  })

  it('whose end no event told of is seen by the next sweep', async () => {
    const world = await start({ janitorIntervalMs: 20 })
    const id = idOf(await world.create('a'))
    await comes(() => world.state(id), 'running.up')
    const unheard = world.engine.before('inspect', () => ({ again: 'later', message: 'the event came to nothing' }))
    const hidden = world.engine.before('inventory', () => ({ again: 'later', message: 'no list yet' }))
    world.engine.exit(containersOf(world.engine, id)[0]?.containerId ?? '')
    await comes(() => world.engine.calls.some(({ verb }) => verb === 'inspect'), true)
    expect(world.state(id)).toBe('running.up')
    hidden()
    await comes(() => world.state(id), 'stopped.idle')
    unheard()
  })
})

describe('a database that another program has locked for writing', () => {
  it('refuses what would be lost, begins nothing, and all goes on when the lock is gone', async () => {
    const world = await start()
    const up = idOf(await world.create('a'))
    await comes(() => world.state(up), 'running.up')
    const other = new Sqlite(world.path)
    onTestFinished(() => void other.close())
    other.exec('BEGIN IMMEDIATE')
    expect(await world.create('b')).toMatchObject({ kind: 'not-written' })
    expect(await world.tell(up, { type: 'stop' })).toMatchObject({ kind: 'not-written' })
    expect(world.state(up)).toBe('running.up')
    expect(world.engine.calls.filter(({ verb }) => verb === 'halt')).toEqual([])
    await comes(() => world.supervisor.health().database ?? '', expect.stringMatching(/lock/i))
    other.exec('COMMIT')
    expect(await world.tell(up, { type: 'stop' })).toMatchObject({ kind: 'accepted' })
    await comes(() => world.state(up), 'stopped.idle')
    await comes(() => world.supervisor.health().database, null)
  })
})
