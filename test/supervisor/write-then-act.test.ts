import { describe, expect, it } from 'vitest'
import type { FakeEngine, ProviderVerb } from '../provider/fake/fake-provider.ts'
import { settle, simulatedClock } from './simulated-clock.ts'
import {
  ann,
  eventually,
  containersOf,
  contextOf,
  createGate,
  createdId,
  databaseReader,
  startTestService,
} from './test-service.ts'
import type { TestService } from './test-service.ts'

const statesOf: Readonly<Partial<Record<ProviderVerb, readonly string[]>>> = {
  image: ['creating.image'],
  container: ['creating.container'],
  boot: ['creating.boot', 'stopped.starting.boot'],
  setup: ['creating.setup', 'stopped.starting.setup'],
  stop: ['running.stopping.halting', 'running.restarting.halting'],
  remove: ['deleting.destroying'],
}

/** Records each effect that begins before its state is on disk. */
function recordCallsAndDisk(engine: FakeEngine, path: string) {
  const disk = databaseReader(path)
  const earlyCalls: string[] = []
  let started = 0
  for (const [verb, states] of Object.entries(statesOf) as [ProviderVerb, readonly string[]][])
    engine.before(verb, ({ workspaceId }) => {
      started += 1
      const state = workspaceId ? disk.state(workspaceId) : 'no workspace'
      if (!states.includes(state)) earlyCalls.push(`${verb} began while the disk had ${state}`)
      return undefined
    })
  return { earlyCalls, startedCount: () => started }
}

/** Keeps the database file from growing. Returns a function that makes space again. */
function fillDisk({ database: { db } }: TestService): () => void {
  // Uses up the free space inside the file, so that the next row needs a new page.
  db.pragma('wal_checkpoint(TRUNCATE)')
  const pages = Number(db.pragma('page_count', { simple: true }))
  db.exec('CREATE TABLE filler (text TEXT)')
  db.pragma(`max_page_count = ${pages + 1}`)
  return () => void db.pragma('max_page_count = 1073741823')
}

async function createFour(service: TestService) {
  const created = (name: string) => service.create(name).then(createdId)
  return [await created('a'), await created('b'), await created('c'), await created('d')] as const
}

const largeMetadata = { text: 'x'.repeat(6000) }

describe('law 1: write, then act', () => {
  it('no effect begins before its transition is on disk', async () => {
    const service = await startTestService()
    const disk = recordCallsAndDisk(service.engine, service.path)
    const [a, b, c, d] = await createFour(service)
    for (const id of [a, b, c, d]) await eventually(() => service.state(id), 'running.up')
    await Promise.all([
      service.send(a, { type: 'stop' }),
      service.send(b, { type: 'restart' }),
      service.send(c, { type: 'delete' }),
    ])
    await eventually(() => [a, b, c, d].map(service.state), ['stopped.idle', 'running.up', 'not-found', 'running.up'])
    await service.send(a, { type: 'start' })
    await eventually(() => service.state(a), 'running.up')
    expect(disk.earlyCalls).toEqual([])
    expect(disk.startedCount()).toBe(4 * 4 + 1 + 3 + 1 + 2) // creates, stop, restart, delete, start
  })

  it('a state that is left in the same turn never starts its effect', async () => {
    const service = await startTestService()
    const id = createdId(await service.create('a'))
    await eventually(() => service.state(id), 'running.up')
    const results = await Promise.all([service.send(id, { type: 'stop' }), service.send(id, { type: 'delete' })])
    expect(results.map(({ kind }) => kind)).toEqual(['accepted', 'accepted'])
    await eventually(() => service.state(id), 'not-found')
    expect(service.engine.calls.map(({ verb }) => verb)).not.toContain('stop')
    expect(service.stateTrail(id).slice(-3)).toEqual(['running.stopping.halting', 'deleting.destroying', 'deleted'])
  })

  it('on a full disk commands are refused without side effects, and accepted when there is space again', async () => {
    const service = await startTestService()
    const id = createdId(await service.create('a'))
    await eventually(() => service.state(id), 'running.up')
    const freeSpace = fillDisk(service)
    const before = service.engine.calls.length
    const revision = databaseReader(service.path).row(id)?.revision
    const refused = await service.send(id, { type: 'update', metadata: largeMetadata })
    expect(refused).toMatchObject({ kind: 'write-failed', error: { code: 'SQLITE_FULL' } })
    expect(contextOf(service.find(id)).metadata).toBeNull()
    expect(databaseReader(service.path).row(id)?.revision).toBe(revision)
    expect(
      await service.supervisor.create({ name: 'b', template: null, ttlSeconds: null, metadata: largeMetadata }, ann),
    ).toMatchObject({
      kind: 'write-failed',
    })
    expect(service.supervisor.list({}, ann).workspaces).toHaveLength(1)
    expect(service.engine.calls).toHaveLength(before)
    freeSpace()
    expect(await service.send(id, { type: 'update', metadata: largeMetadata })).toMatchObject({ kind: 'accepted' })
    await service.send(id, { type: 'stop' })
    await eventually(() => service.state(id), 'stopped.idle')
  })

  it('creates interrupted by a full disk continue when there is space, and are retried only by the sweep', async () => {
    const clock = simulatedClock()
    const service = await startTestService({ clock, provisionerIntervalMs: 5000, concurrency: 300 })
    const boot = createGate()
    service.engine.before('boot', () => boot.opened)
    const ids = await Promise.all(Array.from({ length: 300 }, async (_, n) => createdId(await service.create(`w${n}`))))
    await eventually(() => ids.every((id) => service.state(id) === 'creating.boot'), true)
    const { db } = service.database
    db.exec('CREATE TABLE filler (text BLOB)') // each journal line needs more space than is free
    db.exec(
      `CREATE TRIGGER full BEFORE INSERT ON journal BEGIN INSERT INTO filler (text) VALUES (randomblob(9000)); END`,
    )
    db.pragma(`max_page_count = ${Number(db.pragma('page_count', { simple: true }))}`)
    boot.open()
    await eventually(() => service.errors().length > 0, true)
    for (const sweep of [1, 2, 3]) {
      await settle(50)
      const [before, logged] = [service.commitSizes.length, service.errors().length]
      await settle(50) // nothing is retried without the sweep
      expect([sweep, service.commitSizes.length - before]).toEqual([sweep, 0])
      await clock.advance(5000) // the next sweep retries each once
      expect([sweep, service.commitSizes.slice(before).reduce((sum, size) => sum + size, 0)]).toEqual([sweep, 300])
      expect(service.errors().length - logged).toBe(service.commitSizes.length - before) // one line per batch, not per workspace
    }
    db.pragma('max_page_count = 1073741823')
    db.exec('DROP TRIGGER full')
    await clock.advance(5000)
    await eventually(() => ids.every((id) => service.state(id) === 'running.up'), true)
    for (const id of ids) expect(containersOf(service.engine, id)).toHaveLength(1)
  })

  it('a refused transition fails alone in its batch, with those that follow from it', async () => {
    const service = await startTestService()
    const [a, b, c, d] = await createFour(service)
    await eventually(() => [a, b, c, d].every((id) => service.state(id) === 'running.up'), true)
    const before = service.commitSizes.length
    const results = await Promise.all([
      service.send(a, { type: 'update', name: 'same' }),
      service.send(b, { type: 'update', name: 'same' }), // decided in the same turn, so only the database detects the conflict
      service.send(b, { type: 'stop' }),
      service.send(c, { type: 'stop' }),
    ])
    expect(results.map(({ kind }) => kind)).toEqual(['accepted', 'name-taken', 'name-taken', 'accepted'])
    expect(service.commitSizes.slice(before, before + 1)).toEqual([4])
    await eventually(() => [a, b, c].map(service.state), ['running.up', 'running.up', 'stopped.idle'])
    expect(contextOf(service.find(b)).name).toBe('b')
    expect(service.engine.calls.filter(({ verb, workspaceId }) => verb === 'stop' && workspaceId === b)).toEqual([])
  })
})

describe('law 2: an acknowledged command is never lost', () => {
  it('a transition is not visible before it is on disk', async () => {
    let write: (() => void) | undefined
    const held: (() => void)[] = []
    const service = await startTestService({ scheduleCommit: (run) => (write ? held.push(run) : setImmediate(run)) })
    const id = createdId(await service.create('a'))
    await eventually(() => service.state(id), 'running.up')
    write = () => held.splice(0).forEach((run) => run())
    let answered = false
    const result = service.send(id, { type: 'update', name: 'b' }).then((answer) => {
      answered = true
      return answer
    })
    const created = service.create('c')
    for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve))
    expect(answered).toBe(false)
    expect(contextOf(service.find(id)).name).toBe('a')
    expect(service.supervisor.list({}, ann).workspaces).toHaveLength(1)
    write()
    write = undefined
    for (const run of held) run()
    expect(await result).toMatchObject({ kind: 'accepted', view: { snapshot: { context: { name: 'b' } } } })
    expect(await created).toMatchObject({ kind: 'created' })
  })

  it('a refusal that names a state is answered only once that state is on disk', async () => {
    const service = await startTestService()
    const id = createdId(await service.create('a'))
    await eventually(() => service.state(id), 'running.up')
    const { db } = service.database
    db.exec(`CREATE TRIGGER refuse BEFORE UPDATE ON workspaces BEGIN SELECT RAISE(ABORT, 'refused by the test'); END`)
    const results = await Promise.all([service.send(id, { type: 'stop' }), service.send(id, { type: 'stop' })])
    expect(results.map(({ kind }) => kind)).toEqual(['write-failed', 'write-failed'])
    db.exec('DROP TRIGGER refuse')
    expect(await service.send(id, { type: 'start' })).toEqual({ kind: 'refused', state: 'running.up' })
    expect(service.engine.calls.map(({ verb }) => verb)).not.toContain('stop')
  })

  it('a rename to a taken name is refused without interrupting the work in progress', async () => {
    const service = await startTestService()
    createdId(await service.create('taken'))
    const pull = createGate()
    let pulls = 0
    service.engine.before('image', () => {
      pulls += 1
      return pull.opened
    })
    const id = createdId(await service.create('b'))
    await eventually(() => service.state(id), 'creating.image')
    await eventually(() => pulls > 0, true)
    const before = pulls
    expect(await service.send(id, { type: 'update', name: 'taken' })).toEqual({ kind: 'name-taken' })
    expect(await service.send(id, { type: 'update', name: 'b' })).toMatchObject({ kind: 'accepted' })
    pull.open()
    await eventually(() => service.state(id), 'running.up')
    expect(pulls).toBe(before)
    expect(service.errors()).toEqual([])
  })
})
