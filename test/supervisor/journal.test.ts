import { describe, expect, it } from 'vitest'
import { quiet, simulatedClock } from './simulated-clock.ts'
import { ann, ben, comes, contextOf, idOf, root, start } from './world.ts'

const minute = 60_000
const day = 24 * 60 * minute

describe('the journal', () => {
  it('has one line for each transition, with who, why and how many tries', async () => {
    const world = await start()
    world.engine.failNext('boot', { again: 'later', message: 'port in use' })
    const id = idOf(await world.create('a'))
    await comes(() => world.state(id), 'running.up')
    await world.tell(id, { type: 'amend', name: 'b' })
    await world.tell(id, { type: 'stop' }, root)
    await comes(() => world.state(id), 'stopped.idle')
    const told = world.lines(id).map(({ event, from, to, by, tries }) => [event, from, to, by, tries])
    expect(told).toEqual([
      ['create', null, 'creating.queued', 'user:ann', null],
      ['granted', 'creating.queued', 'creating.image', 'system:provisioner', null],
      ['image.done', 'creating.image', 'creating.container', 'engine', null],
      ['container.done', 'creating.container', 'creating.boot', 'engine', null],
      ['boot.failed', 'creating.boot', 'creating.waiting', 'engine', 1],
      ['pause.over', 'creating.waiting', 'creating.queued', 'system:provisioner', 1],
      ['granted', 'creating.queued', 'creating.boot', 'system:provisioner', 1],
      ['boot.done', 'creating.boot', 'creating.setup', 'engine', 1],
      ['setup.done', 'creating.setup', 'running.up', 'engine', null],
      ['amend', 'running.up', 'running.up', 'user:ann', null],
      ['stop', 'running.up', 'running.stopping.halting', 'user:root', null],
      ['halt.done', 'running.stopping.halting', 'stopped.idle', 'engine', null],
    ])
    const reasons = world.lines(id).flatMap(({ event, reason }) => (reason === null ? [] : [[event, reason]]))
    expect(reasons).toEqual([['boot.failed', expect.stringContaining('port in use')]])
  })

  it('has no line for progress, which is shown all the same', async () => {
    const world = await start()
    let tell: () => void = () => undefined
    const told = new Promise<undefined>((resolve) => {
      tell = () => resolve(undefined)
    })
    world.engine.after('image', () => told) // the fake tells of its progress with its work
    const id = idOf(await world.create('a'))
    await comes(() => contextOf(world.look(id)).progress, 'Pulling base:1')
    tell()
    await comes(() => world.state(id), 'running.up')
    expect(world.lines(id).map(({ event }) => event)).not.toContain('progress')
    expect(contextOf(world.look(id)).progress).toBeNull()
  })

  it('has the line and the row in one transaction: each revision but progress has its line', async () => {
    const world = await start()
    const id = idOf(await world.create('a'))
    await comes(() => world.state(id), 'running.up')
    const { db } = world.database
    const revisions = db
      .prepare<[string], number>('SELECT revision FROM journal WHERE workspace = ? ORDER BY seq')
      .pluck()
      .all(id)
    const row = world.store.byId(id)
    expect(revisions.at(-1)).toBe(row?.revision)
    expect(new Set(revisions).size).toBe(revisions.length)
    db.exec(`CREATE TRIGGER refuse BEFORE INSERT ON journal BEGIN SELECT RAISE(ABORT, 'refused by the test'); END`)
    expect(await world.tell(id, { type: 'amend', name: 'b' })).toMatchObject({ kind: 'not-written' })
    expect(world.store.byId(id)).toEqual(row)
  })

  it('outlives its workspace, for its owner and operators, and is pruned after the set days, of deleted ones alone', async () => {
    const clock = simulatedClock()
    const world = await start({ clock, journalDays: 30, janitorIntervalMs: minute, provisionerIntervalMs: day })
    const kept = idOf(await world.create('kept'))
    const deleted = idOf(await world.create('deleted'))
    await quiet()
    await world.tell(deleted, { type: 'delete' })
    await quiet()
    const history = (asker = ann) => world.supervisor.history(deleted, asker, 0, 100)
    expect(history()?.at(-1)).toMatchObject({ event: 'destroy.done', to: 'deleted' })
    expect(history(root)).toEqual(history())
    expect(history(ben)).toBeUndefined()
    clock.jump(29 * day)
    await clock.pass(2 * minute)
    expect(history()).toBeDefined()
    clock.jump(day)
    await clock.pass(2 * minute)
    expect(history()).toBeUndefined()
    expect(world.supervisor.history(kept, ann, 0, 100)?.length).toBeGreaterThan(4)
  })

  it('is read in pages', async () => {
    const world = await start()
    const id = idOf(await world.create('a'))
    await comes(() => world.state(id), 'running.up')
    const all = world.lines(id)
    const first = world.supervisor.history(id, ann, 0, 2) ?? []
    const rest = world.supervisor.history(id, ann, first.at(-1)?.seq ?? 0, 100) ?? []
    expect([...first, ...rest]).toEqual(all)
  })
})
