import { describe, expect, it } from 'vitest'
import { settle, simulatedClock } from './simulated-clock.ts'
import { ann, ben, eventually, contextOf, createdId, root, startTestService } from './test-service.ts'

const minute = 60_000
const day = 24 * 60 * minute

describe('the journal', () => {
  it('the journal has one line per transition, with actor, reason and attempts', async () => {
    const service = await startTestService()
    service.engine.failNext('boot', { kind: 'transient', message: 'port in use' })
    const id = createdId(await service.create('a'))
    await eventually(() => service.state(id), 'running.up')
    await service.send(id, { type: 'update', name: 'b' })
    await service.send(id, { type: 'stop' }, root)
    await eventually(() => service.state(id), 'stopped.idle')
    const entries = service.lines(id).map(({ event, from, to, by, attempts }) => [event, from, to, by, attempts])
    expect(entries).toEqual([
      ['create', null, 'creating.queued', 'user:ann', null],
      ['granted', 'creating.queued', 'creating.image', 'system:provisioner', null],
      ['image.done', 'creating.image', 'creating.container', 'engine', null],
      ['container.done', 'creating.container', 'creating.boot', 'engine', null],
      ['boot.failed', 'creating.boot', 'creating.waiting', 'engine', 1],
      ['pause.over', 'creating.waiting', 'creating.queued', 'system:provisioner', 1],
      ['granted', 'creating.queued', 'creating.boot', 'system:provisioner', 1],
      ['boot.done', 'creating.boot', 'creating.setup', 'engine', 1],
      ['setup.done', 'creating.setup', 'running.up', 'engine', null],
      ['update', 'running.up', 'running.up', 'user:ann', null],
      ['stop', 'running.up', 'running.stopping.halting', 'user:root', null],
      ['stop.done', 'running.stopping.halting', 'stopped.idle', 'engine', null],
    ])
    const reasons = service.lines(id).flatMap(({ event, reason }) => (reason === null ? [] : [[event, reason]]))
    expect(reasons).toEqual([['boot.failed', expect.stringContaining('port in use')]])
  })

  it('progress is shown in the workspace view but not written to the journal', async () => {
    const service = await startTestService()
    let release: () => void = () => undefined
    const released = new Promise<undefined>((resolve) => {
      release = () => resolve(undefined)
    })
    service.engine.after('image', () => released) // the fake reports progress when it does the work
    const id = createdId(await service.create('a'))
    await eventually(() => contextOf(service.find(id)).progress, 'Pulling base:1')
    release()
    await eventually(() => service.state(id), 'running.up')
    expect(service.lines(id).map(({ event }) => event)).not.toContain('progress')
    expect(contextOf(service.find(id)).progress).toBeNull()
  })

  it('a row and its journal line are written in one transaction', async () => {
    const service = await startTestService()
    const id = createdId(await service.create('a'))
    await eventually(() => service.state(id), 'running.up')
    const { db } = service.database
    const revisions = db
      .prepare<[string], number>('SELECT revision FROM journal WHERE workspace = ? ORDER BY seq')
      .pluck()
      .all(id)
    const row = service.store.byId(id)
    expect(revisions.at(-1)).toBe(row?.revision)
    expect(new Set(revisions).size).toBe(revisions.length)
    db.exec(`CREATE TRIGGER refuse BEFORE INSERT ON journal BEGIN SELECT RAISE(ABORT, 'refused by the test'); END`)
    expect(await service.send(id, { type: 'update', name: 'b' })).toMatchObject({ kind: 'write-failed' })
    expect(service.store.byId(id)).toEqual(row)
  })

  it('the journal of a deleted workspace stays visible to its owner and operators, and is pruned after the retention period', async () => {
    const clock = simulatedClock()
    const service = await startTestService({
      clock,
      journalDays: 30,
      janitorIntervalMs: minute,
      provisionerIntervalMs: day,
    })
    const remaining = createdId(await service.create('kept'))
    const deleted = createdId(await service.create('deleted'))
    await settle()
    await service.send(deleted, { type: 'delete' })
    await settle()
    const history = (caller = ann) => service.supervisor.history(deleted, caller, 0, 100)
    expect(history()?.at(-1)).toMatchObject({ event: 'remove.done', to: 'deleted' })
    expect(history(root)).toEqual(history())
    expect(history(ben)).toBeUndefined()
    clock.setWallClock(29 * day)
    await clock.advance(2 * minute)
    expect(history()).toBeDefined()
    clock.setWallClock(day)
    await clock.advance(2 * minute)
    expect(history()).toBeUndefined()
    expect(service.supervisor.history(remaining, ann, 0, 100)?.length).toBeGreaterThan(4)
  })

  it('the journal is read in pages', async () => {
    const service = await startTestService()
    const id = createdId(await service.create('a'))
    await eventually(() => service.state(id), 'running.up')
    const all = service.lines(id)
    const first = service.supervisor.history(id, ann, 0, 2) ?? []
    const rest = service.supervisor.history(id, ann, first.at(-1)?.seq ?? 0, 100) ?? []
    expect([...first, ...rest]).toEqual(all)
  })
})
