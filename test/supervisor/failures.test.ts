import Sqlite from 'better-sqlite3'
import { describe, expect, it, onTestFinished } from 'vitest'
import { eventually, containersOf, createdId, startTestService, startServiceOn } from './test-service.ts'

// Promises of docs/failures.md that no other file tests.

describe('a workspace', () => {
  it('a workspace whose template was removed starts, and is recreated, from its own spec', async () => {
    const first = await startTestService()
    const id = createdId(await first.create('a'))
    await eventually(() => first.state(id), 'running.up')
    await first.send(id, { type: 'stop' })
    await eventually(() => first.state(id), 'stopped.idle')
    await first.close()
    const db = new Sqlite(first.path)
    db.exec(
      `UPDATE workspaces SET template = 'removed', snapshot = json_set(snapshot, '$.context.template', 'removed')`,
    )
    db.close()

    const next = startServiceOn(first.path, first.engine)
    expect(await next.create('b', undefined, { template: 'removed' })).toMatchObject({ kind: 'unknown-template' })
    await next.send(id, { type: 'start' })
    await eventually(() => next.state(id), 'running.up')
    const [container] = containersOf(first.engine, id)
    first.engine.removeByHand(container?.containerId ?? '')
    await eventually(() => next.state(id), 'stopped.idle')
    await next.send(id, { type: 'start' })
    await eventually(() => next.state(id), 'running.up')
    expect(containersOf(first.engine, id)).toMatchObject([{ state: { kind: 'running' }, ran: ['postStartCommand'] }])
  })

  it('an exit whose event was lost is found by the next sweep', async () => {
    const service = await startTestService({ janitorIntervalMs: 20 })
    const id = createdId(await service.create('a'))
    await eventually(() => service.state(id), 'running.up')
    const removeHook = service.engine.before('inspect', () => ({
      kind: 'transient',
      message: 'the inspect of the event fails',
    }))
    const hidden = service.engine.before('list', () => ({ kind: 'transient', message: 'no list yet' }))
    service.engine.exitContainer(containersOf(service.engine, id)[0]?.containerId ?? '')
    await eventually(() => service.engine.calls.some(({ verb }) => verb === 'inspect'), true)
    expect(service.state(id)).toBe('running.up')
    hidden()
    await eventually(() => service.state(id), 'stopped.idle')
    removeHook()
  })
})

describe('a database that another program has locked for writing', () => {
  it('a database locked by another program refuses commands without side effects, and accepts them when the lock is released', async () => {
    const service = await startTestService()
    const up = createdId(await service.create('a'))
    await eventually(() => service.state(up), 'running.up')
    const other = new Sqlite(service.path)
    onTestFinished(() => void other.close())
    other.exec('BEGIN IMMEDIATE')
    expect(await service.create('b')).toMatchObject({ kind: 'write-failed' })
    expect(await service.send(up, { type: 'stop' })).toMatchObject({ kind: 'write-failed' })
    expect(service.state(up)).toBe('running.up')
    expect(service.engine.calls.filter(({ verb }) => verb === 'stop')).toEqual([])
    await eventually(() => service.supervisor.health().database ?? '', expect.stringMatching(/lock/i))
    other.exec('COMMIT')
    expect(await service.send(up, { type: 'stop' })).toMatchObject({ kind: 'accepted' })
    await eventually(() => service.state(up), 'stopped.idle')
    await eventually(() => service.supervisor.health().database, null)
  })
})
