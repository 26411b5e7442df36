import { renameSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { workspaceStore } from '../../../src/persistence/workspace-store.ts'
import { settle, simulatedClock } from '../simulated-clock.ts'
import { contextOf, createdId, startTestService, startServiceOn } from '../test-service.ts'

const minute = 60_000

describe('interrupted work', () => {
  it('an interrupted create keeps its deadline even if the workspace is renamed before it resumes', async () => {
    const clock = simulatedClock()
    const service = await startTestService({ clock, concurrency: 0 }) // the workspace stays queued
    service.engine.disconnect()
    const id = createdId(await service.create('a'))
    await service.close()
    const next = startServiceOn(service.path, service.engine, { clock, provisionerIntervalMs: 5000 })
    // In the same turn, before rehydration reaches the workspace.
    expect(await next.send(id, { type: 'update', name: 'b' })).toMatchObject({ kind: 'accepted' })
    await clock.advance(40 * minute)
    expect(next.state(id)).toBe('failed')
  })
})

describe('an engine that reconnects', () => {
  it('reconnects of the engine do not use up attempts of a step that waits for a retry', async () => {
    const service = await startTestService({ clock: simulatedClock() })
    service.engine.before('image', () => ({ kind: 'transient', message: 'the registry is on fire' }))
    const id = createdId(await service.create('a'))
    await settle()
    expect(contextOf(service.find(id)).attempts).toBe(1)
    for (let times = 0; times < 3; times += 1) {
      service.engine.disconnect()
      service.engine.reconnect()
      await settle()
    }
    expect(contextOf(service.find(id)).attempts).toBe(1)
  })

  it('a delete is retried as soon as the engine reconnects', async () => {
    const service = await startTestService({ clock: simulatedClock() })
    const id = createdId(await service.create('a'))
    await settle()
    service.engine.failNext('remove', { kind: 'transient', message: 'a 500' })
    await service.send(id, { type: 'delete' })
    await settle()
    expect(service.state(id)).toBe('deleting.waiting')
    service.engine.disconnect()
    service.engine.reconnect()
    await settle()
    expect(service.state(id)).toBe('not-found')
  })
})

describe('law 2: a moved database file', () => {
  it('a database file that was moved away refuses writes that would be lost', async () => {
    const service = await startTestService()
    const id = createdId(await service.create('a'))
    const store = workspaceStore(service.database.db, service.database.writeBlocked)
    const row = store.byId(id)
    renameSync(service.path, `${service.path}.away`)
    if (!row) throw new Error('the workspace has no row')
    const lost = store.commit([{ row: { ...row, revision: row.revision + 1 }, line: null, final: false }])
    expect(String(lost.get(id)?.error)).toMatch(/removed or replaced.*restart/)
    renameSync(`${service.path}.away`, service.path)
  })
})
