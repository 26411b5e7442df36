import { renameSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { workspaceStore } from '../../src/persistence/workspace-store.ts'
import { quiet, simulatedClock } from './simulated-clock.ts'
import { contextOf, idOf, start, startOn } from './world.ts'

const minute = 60_000

describe('what was cut off', () => {
  it('does not go on without its deadline because it was renamed before its turn came', async () => {
    const clock = simulatedClock()
    const world = await start({ clock, concurrency: 0 }) // it stays in the queue
    world.engine.leave()
    const id = idOf(await world.create('a'))
    await world.close()
    const next = startOn(world.path, world.engine, { clock, provisionerIntervalMs: 5000 })
    // In this very turn: the start has not come to it yet.
    expect(await next.tell(id, { type: 'amend', name: 'b' })).toMatchObject({ kind: 'accepted' })
    await clock.pass(40 * minute)
    expect(next.state(id)).toBe('failed')
  })
})

describe('an engine that comes and goes', () => {
  it('spends no tries of a step that waits for its time', async () => {
    const world = await start({ clock: simulatedClock() })
    world.engine.before('image', () => ({ again: 'later', message: 'the registry is on fire' }))
    const id = idOf(await world.create('a'))
    await quiet()
    expect(contextOf(world.look(id)).tries).toBe(1)
    for (let times = 0; times < 3; times += 1) {
      world.engine.leave()
      world.engine.comeBack()
      await quiet()
    }
    expect(contextOf(world.look(id)).tries).toBe(1)
  })

  it('lets a delete be tried at once when it is back, whatever its trouble was', async () => {
    const world = await start({ clock: simulatedClock() })
    const id = idOf(await world.create('a'))
    await quiet()
    world.engine.failNext('remove', { again: 'later', message: 'a 500' })
    await world.tell(id, { type: 'delete' })
    await quiet()
    expect(world.state(id)).toBe('deleting.waiting')
    world.engine.leave()
    world.engine.comeBack()
    await quiet()
    expect(world.state(id)).toBe('gone')
  })
})

describe('law 2: a database that was moved away', () => {
  it('takes no write that nobody would find again', async () => {
    const world = await start()
    const id = idOf(await world.create('a'))
    const store = workspaceStore(world.database.db, world.database.barred)
    const row = store.byId(id)
    renameSync(world.path, `${world.path}.away`)
    if (!row) throw new Error('the workspace has no row')
    const lost = store.keep([{ row: { ...row, revision: row.revision + 1 }, line: null, final: false }])
    expect(String(lost.get(id)?.error)).toMatch(/removed or replaced.*restart/)
    renameSync(`${world.path}.away`, world.path)
  })
})
