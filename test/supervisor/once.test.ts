import { describe, expect, it } from 'vitest'
import { simulatedClock, quiet } from './simulated-clock.ts'
import { ann, ben, comes, seenId, start, startOn } from './world.ts'
import type { Service } from './world.ts'

const once = (key: string, fingerprint = 'same') => ({
  key,
  fingerprint,
  answer: (made: Parameters<typeof seenId>[0]) => seenId(made),
})
const ask = (world: Service, key: string, { fingerprint = 'same', name = 'a', who = ann } = {}) =>
  world.supervisor.create({ name, template: null, ttlSeconds: null, metadata: null }, who, once(key, fingerprint))

describe('a create with an idempotency key', () => {
  it('makes one workspace however often it is asked, at once and later, and after a restart and a delete', async () => {
    const world = await start()
    const answers = await Promise.all([ask(world, 'k'), ask(world, 'k'), ask(world, 'k')])
    expect(answers.map(({ kind }) => kind)).toEqual(['created', 'repeated', 'repeated'])
    const [first] = world.supervisor.list({}, ann).workspaces
    if (!first) throw new Error('there is one')
    const id = seenId(first)
    expect(answers[1]).toEqual({ kind: 'repeated', answer: id })
    await comes(() => world.state(id), 'running.up')
    await world.close()
    const next = startOn(world.path, world.engine)
    expect(await ask(next, 'k')).toEqual({ kind: 'repeated', answer: id })
    await next.tell(id, { type: 'delete' })
    await comes(() => next.state(id), 'gone')
    expect(await ask(next, 'k')).toEqual({ kind: 'repeated', answer: id })
  })

  it('another request with its key is refused; another owner’s key is another key', async () => {
    const world = await start()
    const [first, second] = await Promise.all([ask(world, 'k'), ask(world, 'k', { fingerprint: 'other' })])
    expect([first.kind, second.kind]).toEqual(['created', 'key-reused'])
    expect(await ask(world, 'k', { who: ben })).toMatchObject({ kind: 'created' })
  })

  it('that was not written may be asked again, and one that waits for it asks for itself', async () => {
    const world = await start()
    const { db } = world.database
    db.exec(`CREATE TRIGGER refuse BEFORE INSERT ON idempotency BEGIN SELECT RAISE(ABORT, 'refused by the test'); END`)
    const both = await Promise.all([ask(world, 'k'), ask(world, 'k')])
    expect(both.map(({ kind }) => kind)).toEqual(['not-written', 'not-written'])
    expect(world.supervisor.list({}, ann).workspaces).toEqual([])
    db.exec('DROP TRIGGER refuse')
    expect(await ask(world, 'k')).toMatchObject({ kind: 'created' })
  })

  it('that waits for one which throws does not throw with it', async () => {
    const world = await start()
    const { db } = world.database
    db.exec('ALTER TABLE idempotency RENAME TO elsewhere') // reading it throws, once
    const first = ask(world, 'k')
    const second = ask(world, 'k')
    db.exec('ALTER TABLE elsewhere RENAME TO idempotency')
    await expect(first).rejects.toThrow(/idempotency/)
    expect(await second).toMatchObject({ kind: 'created' })
  })

  it('is forgotten after a day', async () => {
    const clock = simulatedClock()
    const world = await start({ clock, provisionerIntervalMs: 3_600_000, janitorIntervalMs: 3_600_000 })
    await ask(world, 'k')
    await clock.pass(23.9 * 3_600_000)
    expect(await ask(world, 'k')).toMatchObject({ kind: 'repeated' })
    await clock.pass(3_600_000)
    await quiet()
    expect(await ask(world, 'k')).toEqual({ kind: 'name-taken' })
  })
})
