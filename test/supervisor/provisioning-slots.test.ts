import { describe, expect, it } from 'vitest'
import type { WorkspaceId } from '../../src/workspace/id.ts'
import { snapshotAt } from '../machines/transitions.ts'
import { newWorkspaceId } from '../../src/workspace/id.ts'
import { provisioningSlots, resumeQueue } from '../../src/supervisor/provisioner.ts'
import { ann, callerOf, ben, eventually, createGate, createdId, startTestService } from './test-service.ts'

describe('slots', () => {
  it('slots are granted to owners in turn, and to each owner in order of arrival', () => {
    const grantedOrder: string[] = []
    const names = new Map<WorkspaceId, string>()
    const pool = provisioningSlots(1, (id) => (grantedOrder.push(names.get(id) ?? '?'), true))
    const request = (owner: string, n: number) => {
      const id = newWorkspaceId()
      names.set(id, `${owner}${n}`)
      pool.update(id, owner, 'queued')
    }
    for (const n of [1, 2, 3]) request('ann', n)
    for (const n of [1, 2]) request('ben', n)
    request('cy', 1)
    for (const [id] of names) {
      pool.grantFreeSlots()
      const [working] = [...names].filter(([, name]) => name === grantedOrder.at(-1)).map(([key]) => key)
      pool.update(working ?? id, 'any', 'idle')
    }
    expect(grantedOrder).toEqual(['ann1', 'ben1', 'cy1', 'ann2', 'ben2', 'ann3'])
    expect(pool.counts()).toEqual({ queued: 0, working: 0 })
  })

  it('a slot that is no longer needed is granted to the next workspace', () => {
    const grantedOrder: WorkspaceId[] = []
    const [cancelled, next] = [newWorkspaceId(), newWorkspaceId()]
    const pool = provisioningSlots(1, (id) => id !== cancelled && grantedOrder.push(id) > 0)
    pool.update(cancelled, 'ann', 'queued')
    pool.update(next, 'ann', 'queued')
    pool.grantFreeSlots()
    expect(grantedOrder).toEqual([next])
    expect(pool.counts()).toEqual({ queued: 0, working: 1 })
  })
})

describe('provisioning', () => {
  it('a thousand creates by one owner do not delay another owner’s create', async () => {
    const service = await startTestService({ concurrency: 4 })
    let grantedOrder = 0
    service.engine.before('image', () => {
      grantedOrder += 1
      return undefined
    })
    const creates = Array.from({ length: 1000 }, (_, n) => service.create(`w${n}`, ann))
    await Promise.all(creates)
    const grantedBefore = grantedOrder
    const id = createdId(await service.create('one', ben))
    await eventually(() => service.state(id), 'running.up')
    expect(grantedOrder - grantedBefore).toBeLessThan(50)
    expect(service.supervisor.queue().queued).toBeGreaterThan(500)
  })

  it('creates and starts together never exceed the concurrency limit', async () => {
    const service = await startTestService({ concurrency: 3 })
    let active = 0
    let maxActive = 0
    service.engine.before('boot', async () => {
      active += 1
      maxActive = Math.max(maxActive, active)
      await new Promise((resolve) => setTimeout(resolve, 2)) // a slow boot
      active -= 1
      return undefined
    })
    const ids = await Promise.all(
      Array.from({ length: 30 }, async (_, n) => createdId(await service.create(`w${n}`, callerOf(`owner${n % 4}`)))),
    )
    await eventually(() => ids.every((id) => service.state(id) === 'running.up'), true)
    for (const { containerId } of service.engine.containers.values())
      service.engine.exitContainer(containerId, { wentDownWithEngine: true })
    await eventually(
      () => ids.every((id) => service.stateTrail(id).filter((state) => state === 'running.up').length === 2),
      true,
    )
    expect(maxActive).toBe(3)
  })

  it('a slot is released after a failure, a delete, a wait, a stop and a failed write', async () => {
    const service = await startTestService({ concurrency: 1 })
    const createWorkspace = async (name: string, template = 'base') =>
      createdId(await service.create(name, ann, { template }))
    const failed = await createWorkspace('failed', 'broken')
    await eventually(() => service.state(failed), 'failed')

    const hold = createGate()
    const off = service.engine.before('boot', () => hold.opened)
    const deleted = await createWorkspace('deleted')
    await eventually(() => service.state(deleted), 'creating.boot')
    await service.send(deleted, { type: 'delete' })
    const stopped = await createWorkspace('stopped')
    await eventually(() => service.state(stopped), 'creating.boot')
    off()
    hold.open()
    await eventually(() => service.state(stopped), 'running.up')

    service.engine.failNext('boot', { kind: 'transient', message: 'not now' })
    const waiting = await createWorkspace('waiting')
    await eventually(() => service.state(waiting), 'creating.waiting')
    const next = await createWorkspace('next')
    await eventually(() => service.state(next), 'running.up')
    await eventually(() => service.state(waiting), 'running.up')

    const { db } = service.database
    const image = createGate()
    service.engine.before('image', () => image.opened)
    const lost = await createWorkspace('lost')
    await eventually(() => service.state(lost), 'creating.image')
    db.exec(`CREATE TRIGGER refuse BEFORE UPDATE ON workspaces BEGIN SELECT RAISE(ABORT, 'refused by the test'); END`)
    image.open()
    await eventually(() => service.errors().length > 0, true)
    db.exec('DROP TRIGGER refuse')
    await eventually(() => service.state(lost), 'running.up')
    expect(service.supervisor.queue()).toEqual({ queued: 0, working: 0 })
  })

  it('an interrupted workspace holds no slot', async () => {
    const service = await startTestService({ concurrency: 1, provisionerIntervalMs: 600_000 })
    service.engine.before('image', () => new Promise(() => {}))
    const first = createdId(await service.create('first'))
    const second = createdId(await service.create('second'))
    await eventually(() => [first, second].map(service.state), ['creating.image', 'creating.queued'])
    const { db } = service.database
    db.exec(
      `CREATE TRIGGER refuse BEFORE UPDATE ON workspaces WHEN old.name = 'first' BEGIN SELECT RAISE(ABORT, 'refused by the test'); END`,
    )
    expect(await service.send(first, { type: 'update', name: 'other' })).toMatchObject({ kind: 'write-failed' })
    expect(service.supervisor.queue()).toEqual({ queued: 1, working: 0 })
    await service.create('third')
    await eventually(() => service.state(second), 'creating.image')
  })

  it('a queued workspace that is rolled back gets a slot only after it resumes, with its deadline', async () => {
    const service = await startTestService({ concurrency: 1, provisionerIntervalMs: 200 })
    const image = createGate()
    service.engine.before('image', () => image.opened)
    const first = createdId(await service.create('first'))
    const second = createdId(await service.create('second'))
    await eventually(() => [first, second].map(service.state), ['creating.image', 'creating.queued'])
    const { db } = service.database
    db.exec(
      `CREATE TRIGGER refuse BEFORE UPDATE ON workspaces WHEN old.name = 'second' BEGIN SELECT RAISE(ABORT, 'refused by the test'); END`,
    )
    expect(await service.send(second, { type: 'update', name: 'other' })).toMatchObject({ kind: 'write-failed' })
    db.exec('DROP TRIGGER refuse')
    image.open()
    await eventually(() => [first, second].map(service.state), ['running.up', 'running.up'])
    const events = service.lines(second).map(({ event }) => event)
    expect(events.slice(0, 3)).toEqual(['create', 'resume', 'granted'])
  })
})

it('an interrupted workspace is resumed before it can be woken', async () => {
  const id = newWorkspaceId()
  const sent: string[] = []
  const queue = resumeQueue({ find: () => snapshotAt('creating.waiting'), send: (_, type) => sent.push(type) })
  queue.add(id)
  await queue.wake([id])
  expect([sent, queue.has(id)]).toEqual([[], true])
  expect(await queue.resumeAll()).toBe(1)
  expect([sent, queue.has(id)]).toEqual([['resume'], false])
  await queue.wake([id])
  expect(sent).toEqual(['resume', 'wake'])
})
