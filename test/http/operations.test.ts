import { expect, test } from 'vitest'
import { newWorkspaceId } from '../../src/workspace/id.ts'
import { openWorld } from './world.ts'

const path = '/api/v1/operations'
const asRoot = { headers: { 'x-user': 'root' } }

test('an operator sees the queue: how many wait, how many hold a slot, and how many slots there are', async () => {
  const { ask, engine, make } = await openWorld()
  const idle = (await ask('GET', path, asRoot)).json()
  expect(idle).toMatchObject({ queue: { queued: 0, working: 0, slots: 8 }, strays: 0, unreadable: 0 })
  engine.before('image', () => new Promise(() => {}))
  for (let index = 0; index < 10; index++) await make({ name: `w-${index}` })
  expect((await ask('GET', path, asRoot)).json().queue).toEqual({ queued: 2, working: 8, slots: 8 })
})

test('an operator sees when each sweep ran, how long it took, what it found, and when the next is due', async () => {
  const { ask, engine } = await openWorld({ intervalMs: 20 })
  engine.place(newWorkspaceId())
  const sweeps = async () => {
    const { sweeps: told } = (await ask('GET', path, asRoot)).json()
    return Object.fromEntries(told.map(({ name, ...rest }: { name: string }) => [name, rest]))
  }
  // They run by their time, and tell nobody.
  await expect.poll(sweeps).toMatchObject({
    provisioner: { did: { resumed: 0, granted: 0 }, failed: [], took_ms: expect.any(Number) },
    janitor: { did: { expired: 0, answers_forgotten: 0, lines_forgotten: 0 }, failed: [] },
    'reconcile docker': { did: { containers: 1, changed: 0, removed: 0, strays: 1 }, failed: [] },
  })
  const { janitor } = await sweeps()
  expect(Date.parse(janitor.next_at)).toBeGreaterThan(Date.parse(janitor.began_at))
})

test('a sweep that fails says of what, and so does an inventory', async () => {
  const { ask, database, engine } = await openWorld({ intervalMs: 20 })
  engine.before('inventory', () => ({ again: 'later', message: 'The list was cut short.' }))
  database.db.exec('DROP TABLE idempotency')
  const failed = async () => {
    const { sweeps } = (await ask('GET', path, asRoot)).json()
    return sweeps.flatMap((told: { failed: string[] }) => told.failed)
  }
  await expect.poll(failed).toEqual(['forgetting old answers', 'The list was cut short.'])
})

test('to anybody else there is nothing here', async () => {
  const { ask } = await openWorld()
  const refused = await ask('GET', path)
  expect([refused.statusCode, refused.json().code]).toEqual([404, 'route-not-found'])
})
