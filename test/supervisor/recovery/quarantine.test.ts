import Sqlite from 'better-sqlite3'
import { workspaceMachineVersion } from '../../../src/machines/snapshot-upgrades.ts'
import { describe, expect, it } from 'vitest'
import type { WorkspaceId } from '../../../src/workspace/id.ts'
import { simulatedClock, settle } from '../simulated-clock.ts'
import {
  ann,
  ben,
  eventually,
  containersOf,
  createdId,
  root,
  workspaceIdOf,
  startTestService,
  startServiceOn,
} from '../test-service.ts'
import type { TestServiceOptions } from '../test-service.ts'

type Snapshot = { value: unknown; context: Record<string, unknown> }

/** Ways to make a stored row unreadable. */
const damages: Readonly<Record<string, (snapshot: Snapshot) => { snapshot: string; machine?: number }>> = {
  'is not JSON': () => ({ snapshot: '{"value":' }),
  'is null': () => ({ snapshot: 'null' }),
  'has no state': ({ context }) => ({ snapshot: JSON.stringify({ context }) }),
  'has a number as its state': ({ context }) => ({ snapshot: JSON.stringify({ value: 7, context }) }),
  'has an unknown state': ({ context }) => ({ snapshot: JSON.stringify({ value: 'hibernating', context }) }),
  'has an empty state object': ({ context }) => ({ snapshot: JSON.stringify({ value: {}, context }) }),
  'has a parent state without its child': ({ context }) => ({
    snapshot: JSON.stringify({ value: 'creating', context }),
  }),
  'has two states': ({ context }) => ({
    snapshot: JSON.stringify({ value: { running: 'up', stopped: 'idle' }, context }),
  }),
  'is in the final state': ({ context }) => ({ snapshot: JSON.stringify({ value: 'deleted', context }) }),
  'has a null context': ({ value }) => ({ snapshot: JSON.stringify({ value, context: null }) }),
  'has an empty context': ({ value }) => ({ snapshot: JSON.stringify({ value, context: {} }) }),
  'lacks its deadline': ({ value, context }) => ({
    snapshot: JSON.stringify({ value, context: { ...context, deadline: undefined } }),
  }),
  'belongs to another workspace': ({ value, context }) => ({
    snapshot: JSON.stringify({ value, context: { ...context, id: 'b'.repeat(36) } }),
  }),
  'was written by a newer statechart': ({ value, context }) => ({
    snapshot: JSON.stringify({ value, context }),
    machine: 99,
  }),
}

/** Creates a good and a bad workspace, damages the row of the bad one, and starts the next service on the same database. */
async function startDamaged(damageName: string, options: TestServiceOptions = {}, alsoSet = '') {
  const first = await startTestService(options)
  const good = createdId(await first.create('good'))
  const bad = createdId(await first.create('bad', ann, { ttlSeconds: 3600 }))
  if (options.clock) await settle()
  await eventually(() => [good, bad].map(first.state), ['running.up', 'running.up'])
  await first.close()
  const damage = damages[damageName]
  if (!damage) throw new Error(`unknown damage ${damageName}`)
  edit(first.path, bad, damage, alsoSet)
  const next = startServiceOn(first.path, first.engine, options)
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
  const { snapshot, machine = workspaceMachineVersion } = damage(JSON.parse(stored) as Snapshot)
  db.prepare(`UPDATE workspaces SET snapshot = ?, machine = ? ${alsoSet} WHERE id = ?`).run(snapshot, machine, id)
  db.close()
}

describe('law 7: one bad row affects no other workspace', () => {
  it.each(Object.keys(damages))(
    'a row whose snapshot %s is listed as failed, can be deleted, and affects no other workspace',
    async (damageName) => {
      const { good, bad, ...service } = await startDamaged(damageName)
      expect(service.state(good)).toBe('running.up')
      expect(service.find(bad)).toMatchObject({ kind: 'quarantined', reason: expect.stringMatching(/.+/) })
      expect(service.find(bad, ben)).toBeUndefined()
      expect(service.supervisor.list({}, ann).workspaces.map(workspaceIdOf)).toEqual([bad, good])
      expect(service.supervisor.list({ status: 'failed' }, ann).workspaces.map(workspaceIdOf)).toEqual([bad])
      expect(service.errors().filter((message) => message.includes('quarantined'))).toHaveLength(1)
      expect(await service.send(bad, { type: 'start' })).toEqual({ kind: 'refused', state: 'failed' })
      expect(await service.send(bad, { type: 'delete' }, ben)).toEqual({ kind: 'not-found' })
      expect(await service.create('bad')).toEqual({ kind: 'name-taken' })
      await service.send(good, { type: 'stop' })
      await eventually(() => service.state(good), 'stopped.idle')

      expect(await service.send(bad, { type: 'delete' })).toMatchObject({ kind: 'accepted' })
      expect(service.find(bad)).toBeUndefined()
      expect(await service.create('bad')).toMatchObject({ kind: 'created' })
      await eventually(() => service.state(bad), 'not-found')
      expect(containersOf(service.engine, bad)).toEqual([])
      expect(service.lines(bad).slice(-3)).toMatchObject([
        { event: 'delete', from: 'failed', to: 'deleting.destroying', by: 'user:ann' },
        { event: 'resume' },
        { to: 'deleted' },
      ])
    },
  )

  it('a delete of a quarantined workspace that the database refuses changes nothing', async () => {
    const { bad, ...service } = await startDamaged('is null')
    const { db } = service.database
    db.exec(`CREATE TRIGGER refuse BEFORE UPDATE ON workspaces BEGIN SELECT RAISE(ABORT, 'refused by the test'); END`)
    expect(await service.send(bad, { type: 'delete' })).toMatchObject({ kind: 'write-failed' })
    await new Promise((resolve) => setTimeout(resolve, 150)) // three sweeps, which must not resume it
    expect(service.find(bad)).toMatchObject({ kind: 'quarantined' })
    expect(containersOf(service.engine, bad)).toHaveLength(1)
    db.exec('DROP TRIGGER refuse')
    const results = await Promise.all([service.send(bad, { type: 'delete' }), service.send(bad, { type: 'delete' })])
    expect(results.map(({ kind }) => kind)).toEqual(['accepted', 'accepted'])
    await eventually(() => service.state(bad), 'not-found')
  })

  it('a quarantined workspace expires when its TTL ends', async () => {
    const clock = simulatedClock()
    const { bad, ...service } = await startDamaged('is null', { clock, provisionerIntervalMs: 60_000 })
    await clock.advance(3599_000)
    expect(service.state(bad)).toBe('unreadable')
    await clock.advance(1000)
    await settle()
    expect(service.state(bad)).toBe('not-found')
    expect(containersOf(service.engine, bad)).toEqual([])
    expect(service.lines(bad).at(-3)).toMatchObject({ event: 'expire', by: 'system:expiry' })
  })

  it('a quarantined workspace whose delete was interrupted is deleted', async () => {
    const { bad, ...service } = await startDamaged('is null', {}, `, status = 'deleting'`)
    expect(service.find(bad)).toBeUndefined()
    await eventually(() => service.state(bad), 'not-found')
    expect(containersOf(service.engine, bad)).toEqual([])
  })

  it('the container of a quarantined workspace is not an orphan and is not removed', async () => {
    const { bad, ...service } = await startDamaged('is null', { janitorIntervalMs: 20 })
    await eventually(() => service.engine.calls.filter(({ verb }) => verb === 'list').length > 3, true)
    expect(service.supervisor.orphans()).toEqual([])
    expect(containersOf(service.engine, bad)).toHaveLength(1)
  })

  it('a quarantined workspace that becomes readable again is restored, also in lists', async () => {
    const older = await startDamaged('was written by a newer statechart')
    await older.close()
    const db = new Sqlite(older.path)
    db.exec(`UPDATE workspaces SET machine = ${workspaceMachineVersion}`)
    db.close()
    const newer = startServiceOn(older.path, older.engine)
    await newer.supervisor.rehydrated
    expect(newer.state(older.bad)).toBe('running.up')
    expect(newer.supervisor.list({ status: 'failed' }, ann).workspaces).toEqual([])
    expect(newer.supervisor.list({ status: 'running' }, ann).workspaces).toHaveLength(2)
  })

  it('the service starts even if a full disk prevents it from marking unreadable rows', async () => {
    const first = await startTestService()
    const id = createdId(await first.create('bad'))
    await eventually(() => first.state(id), 'running.up')
    await first.close()
    edit(first.path, id, () => ({ snapshot: 'null' }))
    const db = new Sqlite(first.path)
    db.exec(`CREATE TRIGGER refuse BEFORE UPDATE ON workspaces BEGIN SELECT RAISE(ABORT, 'refused by the test'); END`)
    db.close()
    const next = startServiceOn(first.path, first.engine)
    expect(next.find(id)).toMatchObject({ kind: 'quarantined' }) // requested before rehydration reaches it
    await next.supervisor.rehydrated
    expect(next.supervisor.health()).toMatchObject({ database: null, rehydrating: false })
  })

  it.each(['failed', 'deleting'])(
    'a %s row of an unknown provider is quarantined, and its container is not touched',
    async (status) => {
      const { bad, ...service } = await startDamaged('is null', {}, `, provider = 'podman', status = '${status}'`)
      expect(service.find(bad, root)).toMatchObject({ kind: 'quarantined' })
      expect(await service.send(bad, { type: 'delete' }, root)).toEqual({ kind: 'refused', state: 'failed' })
      expect(containersOf(service.engine, bad)).toHaveLength(1)
      expect(service.find(bad) === undefined).toBe(status === 'deleting')
    },
  )

  it('operators can see and delete a quarantined workspace', async () => {
    const { bad, ...service } = await startDamaged('is null')
    expect(service.find(bad, root)).toMatchObject({ kind: 'quarantined' })
    expect(await service.send(bad, { type: 'delete' }, root)).toMatchObject({ kind: 'accepted' })
  })
})
