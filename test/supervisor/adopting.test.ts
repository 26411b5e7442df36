import { describe, expect, it } from 'vitest'
import type { Found } from '../../src/workspace/container.ts'
import { newWorkspaceId } from '../../src/workspace/id.ts'
import { comes, root, start, startOn } from './world.ts'

const labelled = { owner: 'ann', name: 'lost', template: 'base' }
const running = { kind: 'running', connection: { container_id: 'c' } } as const

async function withStray(
  setting: Parameters<typeof start>[0] = {},
  state: Found['state'] = running,
  labels = labelled,
) {
  const world = await start({ janitorIntervalMs: 20, ...setting })
  const id = newWorkspaceId()
  const containerId = world.engine.place(id, state, undefined, labels)
  await comes(() => world.supervisor.strays().length, 1)
  return { ...world, id, containerId, adopt: () => world.supervisor.adoptStray(containerId, root, {}) }
}

describe('adopting a container that belongs to no workspace', () => {
  it('nothing is asked of the engine before the adoption is on disk, and nothing is if it cannot be written', async () => {
    const { adopt, database, engine, id, state } = await withStray()
    const before = engine.calls.filter(({ workspaceId }) => workspaceId === id).length
    database.db.exec(`CREATE TRIGGER full BEFORE INSERT ON workspaces BEGIN SELECT RAISE(ABORT, 'disk full'); END`)
    expect((await adopt()).kind).toBe('not-written')
    expect([state(id), engine.calls.filter(({ workspaceId }) => workspaceId === id).length]).toEqual(['gone', before])
    database.db.exec('DROP TRIGGER full')
    expect((await adopt()).kind).toBe('adopted')
    await comes(() => state(id), 'running.up')
  })

  it('an adoption that is cut off by a crash goes on in the same container', async () => {
    const world = await withStray({}, { kind: 'made' })
    const off = world.engine.before('boot', () => new Promise(() => {}))
    await world.adopt()
    await comes(() => world.state(world.id), 'creating.boot')
    await world.kill()
    off()
    const next = startOn(world.path, world.engine)
    await comes(() => next.state(world.id), 'running.up')
    expect([...world.engine.containers.keys()]).toEqual([world.containerId])
  })

  it('two adoptions at once make one workspace, and a removal after it finds no stray', async () => {
    const { adopt, containerId, engine, id, state, supervisor } = await withStray()
    const both = await Promise.all([adopt(), adopt(), supervisor.removeStray(containerId, root)])
    expect(both.map(({ kind }) => kind)).toEqual(['adopted', 'unknown', 'unknown'])
    await comes(() => state(id), 'running.up')
    expect(engine.containers.size).toBe(1)
  })

  it('one that was given up is not adopted any more, though its engine is away', async () => {
    const { adopt, containerId, engine, supervisor } = await withStray()
    engine.leave()
    expect((await supervisor.removeStray(containerId, root)).kind).toBe('removed')
    expect((await adopt()).kind).toBe('unknown')
    engine.comeBack()
    await comes(() => engine.containers.size, 0)
  })

  it('an inventory does not take an adopted container for a stray, and the next start finds it at home', async () => {
    const world = await withStray()
    await world.adopt()
    await comes(() => world.state(world.id), 'running.up')
    await world.close()
    const next = startOn(world.path, world.engine, { janitorIntervalMs: 20 })
    await comes(() => next.state(world.id), 'running.up')
    const lists = () => world.engine.calls.filter(({ verb }) => verb === 'inventory').length
    const seen = lists()
    await comes(() => lists() > seen + 1, true)
    expect(next.supervisor.strays()).toEqual([])
    expect(world.engine.containers.size).toBe(1)
  })

  it('commands for a new container run in one that was never started, and in no other', async () => {
    const broken = { ...labelled, template: 'broken' } // its commands for a new container fail
    const used = await withStray({}, running, broken)
    await used.adopt()
    await comes(() => used.state(used.id), 'running.up')
    const fresh = await withStray({}, { kind: 'made' }, broken)
    await fresh.adopt()
    await comes(() => fresh.state(fresh.id), 'failed')
  })

  it('nobody but an operator adopts', async () => {
    const { containerId, supervisor } = await withStray()
    expect(await supervisor.adoptStray(containerId, { ...root, operator: false }, {})).toEqual({ kind: 'unknown' })
  })
})
