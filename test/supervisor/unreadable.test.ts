import Sqlite from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import type { WorkspaceId } from '../../src/workspace/id.ts'
import { simulatedClock, quiet } from './simulated-clock.ts'
import { ann, ben, comes, containersOf, idOf, root, seenId, start, startOn } from './world.ts'
import type { Setting } from './world.ts'

type Snapshot = { value: unknown; context: Record<string, unknown> }

/** Each makes a stored row unreadable, in its own way. */
const damages: Readonly<Record<string, (snapshot: Snapshot) => { snapshot: string; machine?: number }>> = {
  'is no JSON': () => ({ snapshot: '{"value":' }),
  'is null': () => ({ snapshot: 'null' }),
  'has no state': ({ context }) => ({ snapshot: JSON.stringify({ context }) }),
  'has a number for a state': ({ context }) => ({ snapshot: JSON.stringify({ value: 7, context }) }),
  'has a state that nobody knows': ({ context }) => ({ snapshot: JSON.stringify({ value: 'hibernating', context }) }),
  'has half a state': ({ context }) => ({ snapshot: JSON.stringify({ value: {}, context }) }),
  'has a state without its inside': ({ context }) => ({ snapshot: JSON.stringify({ value: 'creating', context }) }),
  'has two states': ({ context }) => ({
    snapshot: JSON.stringify({ value: { running: 'up', stopped: 'idle' }, context }),
  }),
  'is of the final state': ({ context }) => ({ snapshot: JSON.stringify({ value: 'deleted', context }) }),
  'has a context of null': ({ value }) => ({ snapshot: JSON.stringify({ value, context: null }) }),
  'has an empty context': ({ value }) => ({ snapshot: JSON.stringify({ value, context: {} }) }),
  'lacks its deadline': ({ value, context }) => ({
    snapshot: JSON.stringify({ value, context: { ...context, deadline: undefined } }),
  }),
  'is of another workspace': ({ value, context }) => ({
    snapshot: JSON.stringify({ value, context: { ...context, id: 'b'.repeat(36) } }),
  }),
  'was written by a newer statechart': ({ value, context }) => ({
    snapshot: JSON.stringify({ value, context }),
    machine: 99,
  }),
}

/** Starts a service, has it make a good workspace and a bad one, and starts the next one when the bad one's row is damaged. */
async function damaged(how: string, setting: Setting = {}, alsoSet = '') {
  const first = await start(setting)
  const good = idOf(await first.create('good'))
  const bad = idOf(await first.create('bad', ann, { ttlSeconds: 3600 }))
  if (setting.clock) await quiet()
  await comes(() => [good, bad].map(first.state), ['running.up', 'running.up'])
  await first.close()
  const damage = damages[how]
  if (!damage) throw new Error(`no damage ${how}`)
  edit(first.path, bad, damage, alsoSet)
  const next = startOn(first.path, first.engine, setting)
  await next.supervisor.rehydrated
  return { ...next, engine: first.engine, path: first.path, good, bad }
}

function edit(
  path: string,
  id: WorkspaceId,
  damage: (snapshot: Snapshot) => { snapshot: string; machine?: number },
  alsoSet = '',
) {
  const db = new Sqlite(path)
  const stored = db.prepare<[string], string>('SELECT snapshot FROM workspaces WHERE id = ?').pluck().get(id) ?? ''
  const { snapshot, machine = 1 } = damage(JSON.parse(stored) as Snapshot)
  db.prepare(`UPDATE workspaces SET snapshot = ?, machine = ? ${alsoSet} WHERE id = ?`).run(snapshot, machine, id)
  db.close()
}

describe('law 7: one bad row stops nobody else', () => {
  it.each(Object.keys(damages))(
    'a row whose snapshot %s is visible as failed, can be deleted, and stops nobody else',
    async (how) => {
      const { good, bad, ...world } = await damaged(how)
      expect(world.state(good)).toBe('running.up')
      expect(world.look(bad)).toMatchObject({ kind: 'unreadable', why: expect.stringMatching(/.+/) })
      expect(world.look(bad, ben)).toBeUndefined()
      expect(world.supervisor.list({}, ann).workspaces.map(seenId)).toEqual([bad, good])
      expect(world.supervisor.list({ status: 'failed' }, ann).workspaces.map(seenId)).toEqual([bad])
      expect(world.errors().filter((message) => message.includes('set aside'))).toHaveLength(1)
      expect(await world.tell(bad, { type: 'start' })).toEqual({ kind: 'refused', state: 'failed' })
      expect(await world.tell(bad, { type: 'delete' }, ben)).toEqual({ kind: 'unknown' })
      expect(await world.create('bad')).toEqual({ kind: 'name-taken' })
      await world.tell(good, { type: 'stop' })
      await comes(() => world.state(good), 'stopped.idle')

      expect(await world.tell(bad, { type: 'delete' })).toMatchObject({ kind: 'accepted' })
      expect(world.look(bad)).toBeUndefined()
      expect(await world.create('bad')).toMatchObject({ kind: 'created' })
      await comes(() => world.state(bad), 'gone')
      expect(containersOf(world.engine, bad)).toEqual([])
      expect(world.lines(bad).slice(-3)).toMatchObject([
        { event: 'delete', from: 'failed', to: 'deleting.destroying', by: 'user:ann' },
        { event: 'resume' },
        { to: 'deleted' },
      ])
    },
  )

  it('a delete of it that the database refuses leaves it visible, and begins nothing', async () => {
    const { bad, ...world } = await damaged('is null')
    const { db } = world.database
    db.exec(`CREATE TRIGGER refuse BEFORE UPDATE ON workspaces BEGIN SELECT RAISE(ABORT, 'refused by the test'); END`)
    expect(await world.tell(bad, { type: 'delete' })).toMatchObject({ kind: 'not-written' })
    await new Promise((resolve) => setTimeout(resolve, 150)) // three sweeps, which must not go on with it
    expect(world.look(bad)).toMatchObject({ kind: 'unreadable' })
    expect(containersOf(world.engine, bad)).toHaveLength(1)
    db.exec('DROP TRIGGER refuse')
    const told = await Promise.all([world.tell(bad, { type: 'delete' }), world.tell(bad, { type: 'delete' })])
    expect(told.map(({ kind }) => kind)).toEqual(['accepted', 'accepted'])
    await comes(() => world.state(bad), 'gone')
  })

  it('it expires when its time has come', async () => {
    const clock = simulatedClock()
    const { bad, ...world } = await damaged('is null', { clock, provisionerIntervalMs: 60_000 })
    await clock.pass(3599_000)
    expect(world.state(bad)).toBe('unreadable')
    await clock.pass(1000)
    await quiet()
    expect(world.state(bad)).toBe('gone')
    expect(containersOf(world.engine, bad)).toEqual([])
    expect(world.lines(bad).at(-3)).toMatchObject({ event: 'expire', by: 'system:expiry' })
  })

  it('one that was being deleted goes on being deleted', async () => {
    const { bad, ...world } = await damaged('is null', {}, `, status = 'deleting'`)
    expect(world.look(bad)).toBeUndefined()
    await comes(() => world.state(bad), 'gone')
    expect(containersOf(world.engine, bad)).toEqual([])
  })

  it('its container is no stray and is not removed', async () => {
    const { bad, ...world } = await damaged('is null', { janitorIntervalMs: 20 })
    await comes(() => world.engine.calls.filter(({ verb }) => verb === 'inventory').length > 3, true)
    expect(world.supervisor.strays()).toEqual([])
    expect(containersOf(world.engine, bad)).toHaveLength(1)
  })

  it('one that can be read again, by the version that wrote it, is as it was, in lists too', async () => {
    const older = await damaged('was written by a newer statechart')
    await older.close()
    const db = new Sqlite(older.path)
    db.exec('UPDATE workspaces SET machine = 1')
    db.close()
    const newer = startOn(older.path, older.engine)
    await newer.supervisor.rehydrated
    expect(newer.state(older.bad)).toBe('running.up')
    expect(newer.supervisor.list({ status: 'failed' }, ann).workspaces).toEqual([])
    expect(newer.supervisor.list({ status: 'running' }, ann).workspaces).toHaveLength(2)
  })

  it('rows that cannot even be marked, on a full disk, do not keep the service from starting', async () => {
    const first = await start()
    const id = idOf(await first.create('bad'))
    await comes(() => first.state(id), 'running.up')
    await first.close()
    edit(first.path, id, () => ({ snapshot: 'null' }))
    const db = new Sqlite(first.path)
    db.exec(`CREATE TRIGGER refuse BEFORE UPDATE ON workspaces BEGIN SELECT RAISE(ABORT, 'refused by the test'); END`)
    db.close()
    const next = startOn(first.path, first.engine)
    expect(next.look(id)).toMatchObject({ kind: 'unreadable' }) // asked before its turn has come
    await next.supervisor.rehydrated
    expect(next.supervisor.health()).toMatchObject({ database: null, rehydrating: false })
  })

  it('operators see it too', async () => {
    const { bad, ...world } = await damaged('is null')
    expect(world.look(bad, root)).toMatchObject({ kind: 'unreadable' })
    expect(await world.tell(bad, { type: 'delete' }, root)).toMatchObject({ kind: 'accepted' })
  })
})
