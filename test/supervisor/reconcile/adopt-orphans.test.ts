import { describe, expect, it } from 'vitest'
import type { ContainerRecord } from '../../../src/workspace/container.ts'
import { newWorkspaceId } from '../../../src/workspace/id.ts'
import { eventually, root, startTestService, startServiceOn } from '../test-service.ts'

const savedLabels = { owner: 'ann', name: 'lost', template: 'base' }
const running = { kind: 'running', connection: { container_id: 'c' } } as const

async function withOrphan(
  options: Parameters<typeof startTestService>[0] = {},
  state: ContainerRecord['state'] = running,
  labels = savedLabels,
) {
  const service = await startTestService({ janitorIntervalMs: 20, ...options })
  const id = newWorkspaceId()
  const containerId = service.engine.placeContainer(id, state, undefined, labels)
  await eventually(() => service.supervisor.orphans().length, 1)
  return { ...service, id, containerId, adopt: () => service.supervisor.adoptOrphan(containerId, root, {}) }
}

describe('adopting a container that belongs to no workspace', () => {
  it('the engine is not called before an adoption is on disk, nor if it cannot be written', async () => {
    const { adopt, database, engine, id, state } = await withOrphan()
    const before = engine.calls.filter(({ workspaceId }) => workspaceId === id).length
    database.db.exec(`CREATE TRIGGER full BEFORE INSERT ON workspaces BEGIN SELECT RAISE(ABORT, 'disk full'); END`)
    expect((await adopt()).kind).toBe('write-failed')
    expect([state(id), engine.calls.filter(({ workspaceId }) => workspaceId === id).length]).toEqual([
      'not-found',
      before,
    ])
    database.db.exec('DROP TRIGGER full')
    expect((await adopt()).kind).toBe('adopted')
    await eventually(() => state(id), 'running.up')
  })

  it('an adoption interrupted by a crash continues in the same container', async () => {
    const service = await withOrphan({}, { kind: 'created' })
    const off = service.engine.before('boot', () => new Promise(() => {}))
    await service.adopt()
    await eventually(() => service.state(service.id), 'creating.boot')
    await service.kill()
    off()
    const next = startServiceOn(service.path, service.engine)
    await eventually(() => next.state(service.id), 'running.up')
    expect([...service.engine.containers.keys()]).toEqual([service.containerId])
  })

  it('of two simultaneous adoptions one succeeds, and a removal after it finds no orphan', async () => {
    const { adopt, containerId, engine, id, state, supervisor } = await withOrphan()
    const both = await Promise.all([adopt(), adopt(), supervisor.removeOrphan(containerId, root)])
    expect(both.map(({ kind }) => kind)).toEqual(['adopted', 'not-found', 'not-found'])
    await eventually(() => state(id), 'running.up')
    expect(engine.containers.size).toBe(1)
  })

  it('an orphan that was removed cannot be adopted, even while its engine is unavailable', async () => {
    const { adopt, containerId, engine, supervisor } = await withOrphan()
    engine.disconnect()
    expect((await supervisor.removeOrphan(containerId, root)).kind).toBe('removed')
    expect((await adopt()).kind).toBe('not-found')
    engine.reconnect()
    await eventually(() => engine.containers.size, 0)
  })

  it('an adopted container is not listed as an orphan again, even after a restart', async () => {
    const service = await withOrphan()
    await service.adopt()
    await eventually(() => service.state(service.id), 'running.up')
    await service.close()
    const next = startServiceOn(service.path, service.engine, { janitorIntervalMs: 20 })
    await eventually(() => next.state(service.id), 'running.up')
    const lists = () => service.engine.calls.filter(({ verb }) => verb === 'list').length
    const before = lists()
    await eventually(() => lists() > before + 1, true)
    expect(next.supervisor.orphans()).toEqual([])
    expect(service.engine.containers.size).toBe(1)
  })

  it('adoption runs the commands for a new container only in a container that was never started', async () => {
    const broken = { ...savedLabels, template: 'broken' } // its commands for a new container fail
    const used = await withOrphan({}, running, broken)
    await used.adopt()
    await eventually(() => used.state(used.id), 'running.up')
    const fresh = await withOrphan({}, { kind: 'created' }, broken)
    await fresh.adopt()
    await eventually(() => fresh.state(fresh.id), 'failed')
  })

  it('only operators can adopt an orphan', async () => {
    const { containerId, supervisor } = await withOrphan()
    expect(await supervisor.adoptOrphan(containerId, { ...root, operator: false }, {})).toEqual({ kind: 'not-found' })
  })
})
