import { describe, expect, it } from 'vitest'
import type { SimulatedClock } from './simulated-clock.ts'
import { quiet, simulatedClock } from './simulated-clock.ts'
import { ann, comes, contextOf, idOf, start, startOn } from './world.ts'

const second = 1000
const minute = 60 * second
const day = 24 * 60 * minute

/** Hours pass in strides: a sweep a minute is a lot to simulate for years. */
const rare = { provisionerIntervalMs: 400 * day, janitorIntervalMs: 400 * day }

async function still(clock: SimulatedClock = simulatedClock()) {
  const world = await start({ clock, ...rare })
  await quiet()
  return { ...world, clock, setting: { clock, ...rare } }
}

describe('law 6: time is data', () => {
  it('a workspace expires when its time has come, and not before', async () => {
    const world = await still()
    const id = idOf(await world.create('a', ann, { ttlSeconds: 90 }))
    const rest = idOf(await world.create('b', ann, { ttlSeconds: 3600 }))
    await world.clock.pass(90 * second - 1)
    expect(world.state(id)).toBe('running.up')
    await world.clock.pass(1)
    await quiet()
    expect(world.state(id)).toBe('gone')
    expect(world.state(rest)).toBe('running.up')
    expect(world.lines(id).find(({ event }) => event === 'expire')).toMatchObject({ by: 'system:expiry' })
  })

  it('one timer serves all of them, whatever their number', async () => {
    const world = await still()
    await quiet()
    const before = world.clock.pending
    await Promise.all(Array.from({ length: 200 }, (_, n) => world.create(`w${n}`, ann, { ttlSeconds: 3600 + n })))
    await quiet(250)
    expect(world.supervisor.queue()).toEqual({ queued: 0, working: 0 })
    expect(world.clock.pending).toBe(before)
  })

  it.each([30, 3650])('a TTL of %i days lives that long', async (days) => {
    const world = await still()
    const id = idOf(await world.create('a', ann, { ttlSeconds: days * 86_400 }))
    await quiet()
    // The years in between are days that pass while nothing is due: the last hours are those that matter.
    await world.clock.pass(2 * 60 * minute)
    await world.close()
    world.clock.jump(days * day - 4 * 60 * minute)
    const next = startOn(world.path, world.engine, world.setting)
    await world.clock.pass(2 * 60 * minute - 1)
    expect(next.state(id)).toBe('running.up')
    await world.clock.pass(1)
    await quiet()
    expect(next.state(id)).toBe('gone')
  })

  it('on the real clock a TTL of 30 days and one of ten years are not over as they begin', async () => {
    const world = await start()
    const ids = [30 * 86_400, 315_360_000].map((ttlSeconds) => world.create(`w${ttlSeconds}`, ann, { ttlSeconds }))
    const [month, decade] = (await Promise.all(ids)).map(idOf)
    if (!month || !decade) throw new Error('there are two')
    await comes(() => [month, decade].map(world.state), ['running.up', 'running.up'])
    expect(contextOf(world.look(month)).expiresAt).toBe(contextOf(world.look(month)).createdAt + 30 * day)
  })

  it('what expired while the service was down expires once, at the start', async () => {
    const world = await still()
    const id = idOf(await world.create('a', ann, { ttlSeconds: 60 }))
    await quiet()
    await world.close()
    world.clock.jump(day)
    const next = startOn(world.path, world.engine, world.setting)
    await next.supervisor.rehydrated
    await quiet()
    expect(next.state(id)).toBe('gone')
    expect(next.lines(id).filter(({ event }) => event === 'expire')).toHaveLength(1)
    expect(world.engine.containers.size).toBe(0)
  })

  it('an amend that comes before the expiry saves it, one that comes after is too late, and never do both win', async () => {
    const world = await still()
    const saved = idOf(await world.create('saved', ann, { ttlSeconds: 60 }))
    const lost = idOf(await world.create('lost', ann, { ttlSeconds: 60 }))
    await world.clock.pass(59 * second)
    // In one turn: the amend is decided before the timer rings, and is not on disk when it does.
    const amend = world.tell(saved, { type: 'amend', ttlSeconds: 3600 })
    await world.clock.pass(second)
    await quiet()
    expect(await amend).toMatchObject({ kind: 'accepted' })
    expect(world.state(saved)).toBe('running.up')
    expect(world.state(lost)).toBe('gone')
    expect(await world.tell(lost, { type: 'amend', ttlSeconds: 3600 })).toEqual({ kind: 'unknown' })
    await world.tell(saved, { type: 'amend', ttlSeconds: null })
    await world.clock.pass(3700 * second)
    expect(world.state(saved)).toBe('running.up')
  })

  it('a shorter TTL is heeded though the timer was set for a later one', async () => {
    const world = await still()
    const id = idOf(await world.create('a', ann, { ttlSeconds: 3600 }))
    await quiet()
    await world.tell(id, { type: 'amend', ttlSeconds: 5 })
    await world.clock.pass(5 * second)
    await quiet()
    expect(world.state(id)).toBe('gone')
  })

  it('after the clock jumped forward nothing expires for five minutes, which is warned of once', async () => {
    const world = await still()
    const id = idOf(await world.create('a', ann, { ttlSeconds: 7200 }))
    await world.clock.pass(minute)
    world.clock.jump(day)
    await world.clock.pass(5 * minute)
    expect(world.state(id)).toBe('running.up')
    expect(world.logged.filter(({ message }) => message.includes('the clock jumped forward'))).toHaveLength(1)
    await world.clock.pass(61 * second)
    await quiet()
    expect(world.state(id)).toBe('gone')
  })

  it('a jump forward that is put right within the five minutes costs nobody anything', async () => {
    const world = await still()
    const id = idOf(await world.create('a', ann, { ttlSeconds: 7200 }))
    await world.clock.pass(minute)
    world.clock.jump(day)
    await world.clock.pass(2 * minute)
    world.clock.jump(-day)
    await world.clock.pass(10 * minute)
    expect(world.state(id)).toBe('running.up')
  })

  it('a jump back delays expiry by no more than the jump, and stops nothing else', async () => {
    const world = await still()
    const id = idOf(await world.create('a', ann, { ttlSeconds: 120 }))
    await world.clock.pass(minute)
    world.clock.jump(-30 * minute)
    const other = idOf(await world.create('b', ann, { ttlSeconds: 60 }))
    await world.clock.pass(minute)
    await quiet()
    expect([world.state(id), world.state(other)]).toEqual(['running.up', 'gone'])
    await world.clock.pass(30 * minute)
    await quiet()
    expect(world.state(id)).toBe('gone')
  })

  it('five hundred that expire at one moment all go', async () => {
    const world = await still()
    await Promise.all(Array.from({ length: 500 }, (_, n) => world.create(`w${n}`, ann, { ttlSeconds: 60 })))
    await quiet(400)
    await world.clock.pass(61 * second)
    await quiet(200)
    expect(world.supervisor.list({}, ann).workspaces).toEqual([])
    expect(world.engine.containers.size).toBe(0)
  })

  it('an expiry that the database refuses is tried again, less and less often', async () => {
    const world = await still()
    const id = idOf(await world.create('a', ann, { ttlSeconds: 60 }))
    await quiet()
    const { db } = world.database
    db.exec(`CREATE TRIGGER refuse BEFORE UPDATE ON workspaces BEGIN SELECT RAISE(ABORT, 'refused by the test'); END`)
    await world.clock.pass(minute)
    const before = world.groups.length
    await world.clock.pass(minute)
    expect(world.groups.length - before).toBeLessThan(25)
    expect(world.state(id)).toBe('running.up')
    db.exec('DROP TRIGGER refuse')
    await world.clock.pass(5 * second)
    await quiet()
    expect(world.state(id)).toBe('gone')
  })

  it('a store that cannot be read for a while delays expiry and ends nothing', async () => {
    const world = await still()
    const id = idOf(await world.create('a', ann, { ttlSeconds: 60 }))
    await quiet()
    const { db } = world.database
    db.exec('ALTER TABLE workspaces RENAME TO elsewhere')
    await world.clock.pass(minute)
    expect(world.errors()).toContain('what has expired cannot be read, which is tried again')
    db.exec('ALTER TABLE elsewhere RENAME TO workspaces')
    await world.clock.pass(10 * second)
    await quiet()
    expect(world.state(id)).toBe('gone')
  })

  it('what is due is found by the index, not by reading every row', async () => {
    const world = await still()
    const plan = (sql: string) =>
      world.database.db
        .prepare<[], { detail: string }>(`EXPLAIN QUERY PLAN ${sql}`)
        .all()
        .map(({ detail }) => detail)
        .join()
    expect(
      plan(`SELECT id FROM workspaces WHERE expires_at <= 1 AND status <> 'deleting' ORDER BY expires_at LIMIT 9`),
    ).toMatch(/SEARCH workspaces USING INDEX workspaces_expiry/)
    expect(
      plan(`SELECT min(expires_at) FROM workspaces WHERE expires_at IS NOT NULL AND status <> 'deleting'`),
    ).toMatch(/INDEX workspaces_expiry/)
  })
})
