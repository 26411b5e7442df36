import { describe, expect, it } from 'vitest'
import type { SimulatedClock } from './simulated-clock.ts'
import { settle, simulatedClock } from './simulated-clock.ts'
import { ann, eventually, contextOf, createdId, startTestService, startServiceOn } from './test-service.ts'

const second = 1000
const minute = 60 * second
const day = 24 * 60 * minute

/** Tests advance by hours or years: simulating a sweep per minute would take too long. */
const rareSweeps = { provisionerIntervalMs: 400 * day, janitorIntervalMs: 400 * day }

async function startOnSimulatedClock(clock: SimulatedClock = simulatedClock()) {
  const service = await startTestService({ clock, ...rareSweeps })
  await settle()
  return { ...service, clock, options: { clock, ...rareSweeps } }
}

describe('law 6: time is data', () => {
  it('a workspace expires when its TTL ends, and not before', async () => {
    const service = await startOnSimulatedClock()
    const id = createdId(await service.create('a', ann, { ttlSeconds: 90 }))
    const rest = createdId(await service.create('b', ann, { ttlSeconds: 3600 }))
    await service.clock.advance(90 * second - 1)
    expect(service.state(id)).toBe('running.up')
    await service.clock.advance(1)
    await settle()
    expect(service.state(id)).toBe('not-found')
    expect(service.state(rest)).toBe('running.up')
    expect(service.lines(id).find(({ event }) => event === 'expire')).toMatchObject({ by: 'system:expiry' })
  })

  it('one timer serves any number of expiring workspaces', async () => {
    const service = await startOnSimulatedClock()
    await settle()
    const before = service.clock.pending
    await Promise.all(Array.from({ length: 200 }, (_, n) => service.create(`w${n}`, ann, { ttlSeconds: 3600 + n })))
    await settle(250)
    expect(service.supervisor.queue()).toEqual({ queued: 0, working: 0 })
    expect(service.clock.pending).toBe(before)
  })

  it.each([30, 3650])('a workspace with a TTL of %i days lives that long', async (days) => {
    const service = await startOnSimulatedClock()
    const id = createdId(await service.create('a', ann, { ttlSeconds: days * 86_400 }))
    await settle()
    // Nothing is due in between, so the clock jumps to the last hours.
    await service.clock.advance(2 * 60 * minute)
    await service.close()
    service.clock.setWallClock(days * day - 4 * 60 * minute)
    const next = startServiceOn(service.path, service.engine, service.options)
    await service.clock.advance(2 * 60 * minute - 1)
    expect(next.state(id)).toBe('running.up')
    await service.clock.advance(1)
    await settle()
    expect(next.state(id)).toBe('not-found')
  })

  it('on the real clock, TTLs of 30 days and of ten years do not expire at once', async () => {
    const service = await startTestService()
    const ids = [30 * 86_400, 315_360_000].map((ttlSeconds) => service.create(`w${ttlSeconds}`, ann, { ttlSeconds }))
    const [month, decade] = (await Promise.all(ids)).map(createdId)
    if (!month || !decade) throw new Error('expected two workspaces')
    await eventually(() => [month, decade].map(service.state), ['running.up', 'running.up'])
    expect(contextOf(service.find(month)).expiresAt).toBe(contextOf(service.find(month)).createdAt + 30 * day)
  })

  it('a workspace whose TTL ended while the service was down expires once, at the next start', async () => {
    const service = await startOnSimulatedClock()
    const id = createdId(await service.create('a', ann, { ttlSeconds: 60 }))
    await settle()
    await service.close()
    service.clock.setWallClock(day)
    const next = startServiceOn(service.path, service.engine, service.options)
    await next.supervisor.rehydrated
    await settle()
    expect(next.state(id)).toBe('not-found')
    expect(next.lines(id).filter(({ event }) => event === 'expire')).toHaveLength(1)
    expect(service.engine.containers.size).toBe(0)
  })

  it('an update and an expiry never both win: the first to be committed does', async () => {
    const heldCommits: (() => void)[] = []
    let isHeld = false
    const scheduleCommit = (run: () => void) => (isHeld ? void heldCommits.push(run) : void setImmediate(run))
    const clock = simulatedClock()
    const service = await startTestService({ clock, ...rareSweeps, scheduleCommit })
    await settle()
    const saved = createdId(await service.create('saved', ann, { ttlSeconds: 60 }))
    const lost = createdId(await service.create('lost', ann, { ttlSeconds: 60 }))
    await clock.advance(59 * second)
    // The update is decided before the timer fires, but is not on disk yet when it does.
    isHeld = true
    const update = service.send(saved, { type: 'update', ttlSeconds: 3600 })
    await clock.advance(second)
    expect(heldCommits).toHaveLength(1)
    isHeld = false
    for (const commit of heldCommits) commit()
    await settle()
    expect(await update).toMatchObject({ kind: 'accepted' })
    expect(service.state(saved)).toBe('running.up')
    expect(service.state(lost)).toBe('not-found')
    expect(await service.send(lost, { type: 'update', ttlSeconds: 3600 })).toEqual({ kind: 'not-found' })
    await service.send(saved, { type: 'update', ttlSeconds: null })
    await clock.advance(3700 * second)
    expect(service.state(saved)).toBe('running.up')
  })

  it('shortening a TTL moves the expiry timer forward', async () => {
    const service = await startOnSimulatedClock()
    const id = createdId(await service.create('a', ann, { ttlSeconds: 3600 }))
    await settle()
    await service.send(id, { type: 'update', ttlSeconds: 5 })
    await service.clock.advance(5 * second)
    await settle()
    expect(service.state(id)).toBe('not-found')
  })

  it('after the clock jumps forward, nothing expires for five minutes and one warning is logged', async () => {
    const service = await startOnSimulatedClock()
    const id = createdId(await service.create('a', ann, { ttlSeconds: 7200 }))
    await service.clock.advance(minute)
    service.clock.setWallClock(day)
    await service.clock.advance(5 * minute)
    expect(service.state(id)).toBe('running.up')
    expect(service.logged.filter(({ message }) => message.includes('the clock jumped forward'))).toHaveLength(1)
    await service.clock.advance(61 * second)
    await settle()
    expect(service.state(id)).toBe('not-found')
  })

  it('a forward jump that is corrected within five minutes expires nothing', async () => {
    const service = await startOnSimulatedClock()
    const id = createdId(await service.create('a', ann, { ttlSeconds: 7200 }))
    await service.clock.advance(minute)
    service.clock.setWallClock(day)
    await service.clock.advance(2 * minute)
    service.clock.setWallClock(-day)
    await service.clock.advance(10 * minute)
    expect(service.state(id)).toBe('running.up')
  })

  it('a backward jump delays expiry by at most the jump and affects nothing else', async () => {
    const service = await startOnSimulatedClock()
    const id = createdId(await service.create('a', ann, { ttlSeconds: 120 }))
    await service.clock.advance(minute)
    service.clock.setWallClock(-30 * minute)
    const other = createdId(await service.create('b', ann, { ttlSeconds: 60 }))
    await service.clock.advance(minute)
    await settle()
    expect([service.state(id), service.state(other)]).toEqual(['running.up', 'not-found'])
    await service.clock.advance(30 * minute)
    await settle()
    expect(service.state(id)).toBe('not-found')
  })

  it('five hundred workspaces that expire at the same moment are all deleted', async () => {
    const service = await startOnSimulatedClock()
    await Promise.all(Array.from({ length: 500 }, (_, n) => service.create(`w${n}`, ann, { ttlSeconds: 60 })))
    await settle(400)
    await service.clock.advance(61 * second)
    await settle(200)
    expect(service.supervisor.list({}, ann).workspaces).toEqual([])
    expect(service.engine.containers.size).toBe(0)
  })

  it('an expiry that the database refuses is retried, less and less often', async () => {
    const service = await startOnSimulatedClock()
    const id = createdId(await service.create('a', ann, { ttlSeconds: 60 }))
    await settle()
    const { db } = service.database
    db.exec(`CREATE TRIGGER refuse BEFORE UPDATE ON workspaces BEGIN SELECT RAISE(ABORT, 'refused by the test'); END`)
    await service.clock.advance(minute)
    const before = service.commitSizes.length
    await service.clock.advance(minute)
    expect(service.commitSizes.length - before).toBeLessThan(25)
    expect(service.state(id)).toBe('running.up')
    db.exec('DROP TRIGGER refuse')
    await service.clock.advance(5 * second)
    await settle()
    expect(service.state(id)).toBe('not-found')
  })

  it('a store that cannot be read for a while delays expiry and breaks nothing else', async () => {
    const service = await startOnSimulatedClock()
    const id = createdId(await service.create('a', ann, { ttlSeconds: 60 }))
    await settle()
    const { db } = service.database
    db.exec('ALTER TABLE workspaces RENAME TO elsewhere')
    await service.clock.advance(minute)
    expect(service.errors()).toContain('expired workspaces cannot be read; this is retried')
    db.exec('ALTER TABLE elsewhere RENAME TO workspaces')
    await service.clock.advance(10 * second)
    await settle()
    expect(service.state(id)).toBe('not-found')
  })

  it('due workspaces are found through an index, not by a full scan', async () => {
    const service = await startOnSimulatedClock()
    const plan = (sql: string) =>
      service.database.db
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
