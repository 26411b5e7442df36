import { expect, test } from 'vitest'
import { newWorkspaceId } from '../../../src/workspace/id.ts'
import { openTestServer } from '../test-server.ts'

const path = '/api/v1/operations'
const asRoot = { headers: { 'x-user': 'root' } }

test('operators see how many workspaces are queued, how many hold a slot, and how many slots there are', async () => {
  const { inject, engine, createWorkspace } = await openTestServer()
  const idle = (await inject('GET', path, asRoot)).json()
  expect(idle).toMatchObject({ queue: { queued: 0, working: 0, slots: 8 }, orphans: 0, unreadable: 0 })
  engine.before('image', () => new Promise(() => {}))
  for (let index = 0; index < 10; index++) await createWorkspace({ name: `w-${index}` })
  expect((await inject('GET', path, asRoot)).json().queue).toEqual({ queued: 2, working: 8, slots: 8 })
})

test('operators see when each sweep ran, how long it took, what it found, and when the next is due', async () => {
  const { inject, engine } = await openTestServer({ intervalMs: 20 })
  engine.placeContainer(newWorkspaceId())
  const sweeps = async () => {
    const { sweeps: sweepStatuses } = (await inject('GET', path, asRoot)).json()
    return Object.fromEntries(sweepStatuses.map(({ name, ...rest }: { name: string }) => [name, rest]))
  }
  // Polled: sweeps run on a timer and announce nothing.
  await expect.poll(sweeps).toMatchObject({
    provisioner: { did: { resumed: 0, granted: 0 }, failed: [], took_ms: expect.any(Number) },
    janitor: { did: { expired: 0, answers_forgotten: 0, lines_forgotten: 0 }, failed: [] },
    'reconcile docker': { did: { containers: 1, changed: 0, removed: 0, orphans: 1 }, failed: [] },
  })
  const { janitor } = await sweeps()
  expect(Date.parse(janitor.next_at)).toBeGreaterThan(Date.parse(janitor.began_at))
})

test('a failed sweep names the part that failed, and so does a failed reconciliation', async () => {
  const { inject, database, engine } = await openTestServer({ intervalMs: 20 })
  engine.before('list', () => ({ kind: 'transient', message: 'The list was cut short.' }))
  database.db.exec('DROP TABLE idempotency')
  const failed = async () => {
    const { sweeps } = (await inject('GET', path, asRoot)).json()
    return sweeps.flatMap((sweep: { failed: string[] }) => sweep.failed)
  }
  await expect.poll(failed).toEqual(['pruning stored responses', 'The list was cut short.'])
})

test('operator routes do not exist for other users', async () => {
  const { inject } = await openTestServer()
  const refused = await inject('GET', path)
  expect([refused.statusCode, refused.json().code]).toEqual([404, 'route-not-found'])
})
