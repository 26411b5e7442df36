import Sqlite from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import { newWorkspaceId } from '../../../src/workspace/id.ts'
import type { WorkspaceId } from '../../../src/workspace/id.ts'
import { snapshotAt, connection, newContext } from '../../machines/transitions.ts'
import { encodeSnapshot } from '../../../src/persistence/snapshot-codec.ts'
import { statusOf } from '../../../src/machines/workspace-snapshot.ts'
import { workspaceMachineVersion } from '../../../src/machines/snapshot-upgrades.ts'
import {
  ann,
  callerOf,
  eventually,
  contextOf,
  containersOf,
  createdId,
  startTestService,
  startServiceOn,
} from '../test-service.ts'

const states = [
  'running.up',
  'stopped.idle',
  'failed',
  'creating.boot',
  'creating.waiting',
  'running.stopping.halting',
  'stopped.starting.setup',
  'deleting.waiting',
] as const
const finalStates: Readonly<Record<(typeof states)[number], string>> = {
  'running.up': 'running.up',
  'stopped.idle': 'stopped.idle',
  failed: 'failed',
  'creating.boot': 'running.up',
  'creating.waiting': 'running.up',
  'running.stopping.halting': 'stopped.idle',
  'stopped.starting.setup': 'running.up',
  'deleting.waiting': 'not-found',
}

/** Writes `count` workspaces in various states into a database, and their containers into an engine. */
async function stored(count: number) {
  const first = await startTestService()
  await first.close()
  const db = new Sqlite(first.path)
  const insert =
    db.prepare(`INSERT INTO workspaces (id, owner, name, template, provider, status, created_at, updated_at, expires_at, revision, machine, snapshot)
    VALUES (?, 'ann', ?, 'base', 'docker', ?, ?, ?, NULL, 1, ${workspaceMachineVersion}, ?)`)
  const rows: { id: WorkspaceId; state: (typeof states)[number] }[] = []
  db.transaction(() => {
    for (let n = 0; n < count; n += 1) {
      const id = newWorkspaceId()
      const state = states[n % states.length] ?? 'failed'
      const containerId = first.engine.placeContainer(
        id,
        state.startsWith('running') ? { kind: 'running', connection } : undefined,
      )
      const { value, context } = snapshotAt(state, {
        ...newContext,
        id,
        owner: 'ann',
        name: `w${n}`,
        ttlSeconds: null,
        expiresAt: null,
        containerId,
        imageId: 'i',
        step: 'boot',
        prepared: true,
        connection: state.startsWith('running') ? connection : null,
        deadline: Date.now() + 60_000,
      })
      insert.run(id, `w${n}`, statusOf(value), Date.now(), Date.now(), encodeSnapshot({ value, context }))
      rows.push({ id, state })
    }
  })()
  db.close()
  return { path: first.path, engine: first.engine, rows }
}

describe('rehydration', () => {
  it('two thousand workspaces in various states are restored correctly while requests are answered', async () => {
    const { path, engine, rows } = await stored(2000)
    const vanished = rows.slice(0, 1900).findLast(({ state }) => state === 'running.up')
    if (!vanished) throw new Error('no running workspace')
    // The first inventory runs before rehydration reaches this workspace.
    for (const { containerId } of containersOf(engine, vanished.id)) engine.removeByHand(containerId)
    const service = startServiceOn(path, engine, { concurrency: 64 })
    expect(service.supervisor.health().rehydrating).toBe(true)
    // Requested before rehydration reaches them.
    const last = rows.findLast(({ state }) => state === 'running.up')
    const doomed = rows.findLast(({ state }) => state === 'stopped.idle')
    if (!last || !doomed) throw new Error('a state is missing')
    expect(service.state(last.id)).toBe('running.up')
    const [renamed, deleted, created] = await Promise.all([
      service.send(last.id, { type: 'update', name: 'renamed' }),
      service.send(doomed.id, { type: 'delete' }),
      service.create('newcomer', callerOf('newcomer')),
    ])
    expect([renamed.kind, deleted.kind, created.kind]).toEqual(['accepted', 'accepted', 'created'])
    expect(service.supervisor.list({ limit: 5 }, ann).workspaces).toHaveLength(5)
    await service.supervisor.rehydrated
    expect(service.supervisor.health().rehydrating).toBe(false)
    const finalState = ({ id, state }: (typeof rows)[number]) =>
      id === doomed.id ? 'not-found' : id === vanished.id ? 'stopped.idle' : finalStates[state]
    const wrong = () => rows.filter((row) => service.state(row.id) !== finalState(row)).map(({ state }) => state)
    await eventually(wrong, [], 20_000)
    expect(contextOf(service.find(last.id)).name).toBe('renamed')
    await eventually(() => service.state(createdId(created)), 'running.up')
    expect(rows.filter(({ id }) => containersOf(engine, id).length > 1)).toEqual([])
    expect(service.supervisor.queue()).toEqual({ queued: 0, working: 0 })
    expect(service.errors()).toEqual([])
  })

  it('a table that cannot be read delays rehydration and does not stop the service', async () => {
    const { path, engine, rows } = await stored(3)
    const db = new Sqlite(path)
    const service = startServiceOn(path, engine)
    db.close()
    service.database.db.exec('ALTER TABLE workspaces RENAME TO elsewhere')
    await eventually(() => service.errors().length > 0, true)
    expect(service.supervisor.health().rehydrating).toBe(true)
    service.database.db.exec('ALTER TABLE elsewhere RENAME TO workspaces')
    await eventually(() => service.supervisor.health().rehydrating, false, 10_000)
    await eventually(() => rows.map(({ id }) => service.state(id)), ['running.up', 'stopped.idle', 'failed'])
  })
})
