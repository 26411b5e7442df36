import { describe, expect, it } from 'vitest'
import { simulatedClock, settle } from './simulated-clock.ts'
import { ann, ben, eventually, workspaceIdOf, startTestService, startServiceOn } from './test-service.ts'
import type { TestService } from './test-service.ts'

const idempotentRequest = (key: string, fingerprint = 'same') => ({
  key,
  fingerprint,
  renderResponse: (view: Parameters<typeof workspaceIdOf>[0]) => workspaceIdOf(view),
})
const createWithKey = (service: TestService, key: string, { fingerprint = 'same', name = 'a', caller = ann } = {}) =>
  service.supervisor.create(
    { name, template: null, ttlSeconds: null, metadata: null },
    caller,
    idempotentRequest(key, fingerprint),
  )

describe('a create with an idempotency key', () => {
  it('creates repeated with the same idempotency key make one workspace, even after a restart and a delete', async () => {
    const service = await startTestService()
    const results = await Promise.all([
      createWithKey(service, 'k'),
      createWithKey(service, 'k'),
      createWithKey(service, 'k'),
    ])
    expect(results.map(({ kind }) => kind)).toEqual(['created', 'replayed', 'replayed'])
    const [first] = service.supervisor.list({}, ann).workspaces
    if (!first) throw new Error('expected one workspace')
    const id = workspaceIdOf(first)
    expect(results[1]).toEqual({ kind: 'replayed', response: id })
    await eventually(() => service.state(id), 'running.up')
    await service.close()
    const next = startServiceOn(service.path, service.engine)
    expect(await createWithKey(next, 'k')).toEqual({ kind: 'replayed', response: id })
    await next.send(id, { type: 'delete' })
    await eventually(() => next.state(id), 'not-found')
    expect(await createWithKey(next, 'k')).toEqual({ kind: 'replayed', response: id })
  })

  it('a different request with the same key is refused; the same key of another owner is independent', async () => {
    const service = await startTestService()
    const [first, second] = await Promise.all([
      createWithKey(service, 'k'),
      createWithKey(service, 'k', { fingerprint: 'other' }),
    ])
    expect([first.kind, second.kind]).toEqual(['created', 'key-reused'])
    expect(await createWithKey(service, 'k', { caller: ben })).toMatchObject({ kind: 'created' })
  })

  it('a create that could not be written may be repeated; a concurrent duplicate fails the same way', async () => {
    const service = await startTestService()
    const { db } = service.database
    db.exec(`CREATE TRIGGER refuse BEFORE INSERT ON idempotency BEGIN SELECT RAISE(ABORT, 'refused by the test'); END`)
    const both = await Promise.all([createWithKey(service, 'k'), createWithKey(service, 'k')])
    expect(both.map(({ kind }) => kind)).toEqual(['write-failed', 'write-failed'])
    expect(service.supervisor.list({}, ann).workspaces).toEqual([])
    db.exec('DROP TRIGGER refuse')
    expect(await createWithKey(service, 'k')).toMatchObject({ kind: 'created' })
  })

  it('a create sees the staged create of the same turn', async () => {
    const service = await startTestService()
    const results = await Promise.all([
      createWithKey(service, 'k'),
      createWithKey(service, 'other key'),
      createWithKey(service, 'k'),
    ])
    expect(results.map(({ kind }) => kind)).toEqual(['created', 'name-taken', 'replayed'])
    expect(service.errors()).toEqual([])
  })

  it('an idempotency key expires after a day', async () => {
    const clock = simulatedClock()
    const service = await startTestService({ clock, provisionerIntervalMs: 3_600_000, janitorIntervalMs: 3_600_000 })
    await createWithKey(service, 'k')
    await clock.advance(23.9 * 3_600_000)
    expect(await createWithKey(service, 'k')).toMatchObject({ kind: 'replayed' })
    await clock.advance(3_600_000)
    await settle()
    expect(await createWithKey(service, 'k')).toEqual({ kind: 'name-taken' })
  })
})
