import { describe, expect, it } from 'vitest'
import type { FakeEngine, Verb } from '../provider/fake-provider.ts'
import { quiet, simulatedClock } from './simulated-clock.ts'
import { ann, comes, containersOf, contextOf, gate, idOf, reader, start } from './world.ts'
import type { Service } from './world.ts'

const statesOf: Readonly<Partial<Record<Verb, readonly string[]>>> = {
  image: ['creating.image'],
  container: ['creating.container'],
  boot: ['creating.boot', 'stopped.starting.boot'],
  setup: ['creating.setup', 'stopped.starting.setup'],
  halt: ['running.stopping.halting', 'running.restarting.halting'],
  remove: ['deleting.destroying'],
}

/** Notes each effect that begins in a state that the disk does not have. */
function watchDisk(engine: FakeEngine, path: string) {
  const disk = reader(path)
  const early: string[] = []
  let begun = 0
  for (const [verb, states] of Object.entries(statesOf) as [Verb, readonly string[]][])
    engine.before(verb, ({ workspaceId }) => {
      begun += 1
      const state = workspaceId ? disk.state(workspaceId) : 'no workspace'
      if (!states.includes(state)) early.push(`${verb} began while the disk had ${state}`)
      return undefined
    })
  return { early, begun: () => begun }
}

/** From now on the file may not grow. Answers how to make room again. */
function fillDisk({ database: { db } }: Service): () => void {
  // What is free inside the file is used up, so that the next row needs a page that is not to be had.
  db.pragma('wal_checkpoint(TRUNCATE)')
  const pages = Number(db.pragma('page_count', { simple: true }))
  db.exec('CREATE TABLE filler (text TEXT)')
  db.pragma(`max_page_count = ${pages + 1}`)
  return () => void db.pragma('max_page_count = 1073741823')
}

async function four(world: Service) {
  const made = (name: string) => world.create(name).then(idOf)
  return [await made('a'), await made('b'), await made('c'), await made('d')] as const
}

const big = { text: 'x'.repeat(6000) }

describe('law 1: write, then act', () => {
  it('no effect begins before the step that asks for it is on disk', async () => {
    const world = await start()
    const disk = watchDisk(world.engine, world.path)
    const [a, b, c, d] = await four(world)
    for (const id of [a, b, c, d]) await comes(() => world.state(id), 'running.up')
    await Promise.all([
      world.tell(a, { type: 'stop' }),
      world.tell(b, { type: 'restart' }),
      world.tell(c, { type: 'delete' }),
    ])
    await comes(() => [a, b, c, d].map(world.state), ['stopped.idle', 'running.up', 'gone', 'running.up'])
    await world.tell(a, { type: 'start' })
    await comes(() => world.state(a), 'running.up')
    expect(disk.early).toEqual([])
    expect(disk.begun()).toBe(4 * 4 + 1 + 3 + 1 + 2) // creates, stop, restart, delete, start
  })

  it('a step that was left again in the same turn never has its effect', async () => {
    const world = await start()
    const id = idOf(await world.create('a'))
    await comes(() => world.state(id), 'running.up')
    const told = await Promise.all([world.tell(id, { type: 'stop' }), world.tell(id, { type: 'delete' })])
    expect(told.map(({ kind }) => kind)).toEqual(['accepted', 'accepted'])
    await comes(() => world.state(id), 'gone')
    expect(world.engine.calls.map(({ verb }) => verb)).not.toContain('halt')
    expect(world.trail(id).slice(-3)).toEqual(['running.stopping.halting', 'deleting.destroying', 'deleted'])
  })

  it('on a full disk nothing begins, the answer says so, and all goes on when there is room again', async () => {
    const world = await start()
    const id = idOf(await world.create('a'))
    await comes(() => world.state(id), 'running.up')
    const makeRoom = fillDisk(world)
    const before = world.engine.calls.length
    const revision = reader(world.path).row(id)?.revision
    const refused = await world.tell(id, { type: 'amend', metadata: big })
    expect(refused).toMatchObject({ kind: 'not-written', error: { code: 'SQLITE_FULL' } })
    expect(contextOf(world.look(id)).metadata).toBeNull()
    expect(reader(world.path).row(id)?.revision).toBe(revision)
    expect(
      await world.supervisor.create({ name: 'b', template: null, ttlSeconds: null, metadata: big }, ann),
    ).toMatchObject({
      kind: 'not-written',
    })
    expect(world.supervisor.list({}, ann).workspaces).toHaveLength(1)
    expect(world.engine.calls).toHaveLength(before)
    makeRoom()
    expect(await world.tell(id, { type: 'amend', metadata: big })).toMatchObject({ kind: 'accepted' })
    await world.tell(id, { type: 'stop' })
    await comes(() => world.state(id), 'stopped.idle')
  })

  it('creates that are cut off by a full disk go on when there is room, and the full disk is no hot loop', async () => {
    const clock = simulatedClock()
    const world = await start({ clock, provisionerIntervalMs: 5000, concurrency: 300 })
    const boot = gate()
    world.engine.before('boot', () => boot.opened)
    const ids = await Promise.all(Array.from({ length: 300 }, async (_, n) => idOf(await world.create(`w${n}`))))
    await comes(() => ids.every((id) => world.state(id) === 'creating.boot'), true)
    const { db } = world.database
    db.exec('CREATE TABLE filler (text BLOB)') // each line of the journal needs more room than there is
    db.exec(
      `CREATE TRIGGER full BEFORE INSERT ON journal BEGIN INSERT INTO filler (text) VALUES (randomblob(9000)); END`,
    )
    db.pragma(`max_page_count = ${Number(db.pragma('page_count', { simple: true }))}`)
    boot.open()
    await comes(() => world.errors().length > 0, true)
    for (const sweep of [1, 2, 3]) {
      await quiet(50)
      const [before, logged] = [world.groups.length, world.errors().length]
      await quiet(50) // nothing is tried by itself
      expect([sweep, world.groups.length - before]).toEqual([sweep, 0])
      await clock.pass(5000) // the next sweep tries each once
      expect([sweep, world.groups.slice(before).reduce((sum, size) => sum + size, 0)]).toEqual([sweep, 300])
      expect(world.errors().length - logged).toBe(world.groups.length - before) // a line for each group, not for each of 300
    }
    db.pragma('max_page_count = 1073741823')
    db.exec('DROP TRIGGER full')
    await clock.pass(5000)
    await comes(() => ids.every((id) => world.state(id) === 'running.up'), true)
    for (const id of ids) expect(containersOf(world.engine, id)).toHaveLength(1)
  })

  it('a refused step of a group is lost alone, with what stands on it', async () => {
    const world = await start()
    const [a, b, c, d] = await four(world)
    await comes(() => [a, b, c, d].every((id) => world.state(id) === 'running.up'), true)
    const before = world.groups.length
    const told = await Promise.all([
      world.tell(a, { type: 'amend', name: 'same' }),
      world.tell(b, { type: 'amend', name: 'same' }), // decided in the same turn, so only the database can tell
      world.tell(b, { type: 'stop' }),
      world.tell(c, { type: 'stop' }),
    ])
    expect(told.map(({ kind }) => kind)).toEqual(['accepted', 'name-taken', 'name-taken', 'accepted'])
    expect(world.groups.slice(before, before + 1)).toEqual([4])
    await comes(() => [a, b, c].map(world.state), ['running.up', 'running.up', 'stopped.idle'])
    expect(contextOf(world.look(b)).name).toBe('b')
    expect(world.engine.calls.filter(({ verb, workspaceId }) => verb === 'halt' && workspaceId === b)).toEqual([])
  })
})

describe('law 2: what a client was told is never lost', () => {
  it('nobody sees a step that is not on disk', async () => {
    let write: (() => void) | undefined
    const held: (() => void)[] = []
    const world = await start({ soon: (run) => (write ? held.push(run) : setImmediate(run)) })
    const id = idOf(await world.create('a'))
    await comes(() => world.state(id), 'running.up')
    write = () => held.splice(0).forEach((run) => run())
    let answered = false
    const told = world.tell(id, { type: 'amend', name: 'b' }).then((answer) => {
      answered = true
      return answer
    })
    const made = world.create('c')
    for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve))
    expect(answered).toBe(false)
    expect(contextOf(world.look(id)).name).toBe('a')
    expect(world.supervisor.list({}, ann).workspaces).toHaveLength(1)
    write()
    write = undefined
    for (const run of held) run()
    expect(await told).toMatchObject({ kind: 'accepted', seen: { snapshot: { context: { name: 'b' } } } })
    expect(await made).toMatchObject({ kind: 'created' })
  })

  it('a refusal names a state that is on disk, or none: it is not-written if that state is lost', async () => {
    const world = await start()
    const id = idOf(await world.create('a'))
    await comes(() => world.state(id), 'running.up')
    const { db } = world.database
    db.exec(`CREATE TRIGGER refuse BEFORE UPDATE ON workspaces BEGIN SELECT RAISE(ABORT, 'refused by the test'); END`)
    const told = await Promise.all([world.tell(id, { type: 'stop' }), world.tell(id, { type: 'stop' })])
    expect(told.map(({ kind }) => kind)).toEqual(['not-written', 'not-written'])
    db.exec('DROP TRIGGER refuse')
    expect(await world.tell(id, { type: 'start' })).toEqual({ kind: 'refused', state: 'running.up' })
    expect(world.engine.calls.map(({ verb }) => verb)).not.toContain('halt')
  })

  it('a name that is taken is refused without disturbing what is under way', async () => {
    const world = await start()
    idOf(await world.create('taken'))
    const pull = gate()
    let pulls = 0
    world.engine.before('image', () => {
      pulls += 1
      return pull.opened
    })
    const id = idOf(await world.create('b'))
    await comes(() => world.state(id), 'creating.image')
    await comes(() => pulls > 0, true)
    const before = pulls
    expect(await world.tell(id, { type: 'amend', name: 'taken' })).toEqual({ kind: 'name-taken' })
    expect(await world.tell(id, { type: 'amend', name: 'b' })).toMatchObject({ kind: 'accepted' })
    pull.open()
    await comes(() => world.state(id), 'running.up')
    expect(pulls).toBe(before)
    expect(world.errors()).toEqual([])
  })
})
