import { expect, test } from 'vitest'
import type { Asking, World } from './world.ts'
import { openWorld } from './world.ts'

const list = '/api/v1/workspaces'
const body = { name: 'one', template: 'go', ttl_seconds: 60, metadata: { a: 1 } }

const create = ({ ask }: World, key: string, wish: object = body, headers: Asking['headers'] = {}) =>
  ask('POST', list, { body: wish, headers: { 'idempotency-key': key, ...headers } })

test('a create that is repeated is answered with the same bytes: at once, later, after a change and after a delete', async () => {
  const world = await openWorld()
  const first = await create(world, 'k')
  expect(first.statusCode).toBe(200)
  const { id } = first.json<{ id: string }>()
  const same = async () => {
    const again = await create(world, 'k')
    expect([again.statusCode, again.body, again.headers['content-type']]).toEqual([
      200,
      first.body,
      first.headers['content-type'],
    ])
  }
  await same()
  await world.until(id, ({ status }) => status === 'running')
  await same()
  await world.ask('PATCH', `${list}/${id}`, { body: { name: 'two' } })
  await same()
  await world.ask('DELETE', `${list}/${id}`)
  await same()
  expect(world.count('workspaces')).toBe(0)
})

test('creates with one key at once make one workspace, and all get its answer', async () => {
  const world = await openWorld()
  const answers = await Promise.all(Array.from({ length: 8 }, () => create(world, 'k')))
  expect(new Set(answers.map((answer) => `${answer.statusCode} ${answer.body}`)).size).toBe(1)
  expect(world.count('workspaces')).toBe(1)
})

test.each([
  ['name', { ...body, name: 'two' }],
  ['template', { ...body, template: 'base' }],
  ['TTL', { ...body, ttl_seconds: 61 }],
  ['metadata', { ...body, metadata: { a: 2 } }],
  ['nothing but a name', { name: 'one' }],
])('the same key with another body (%s) is refused', async (_what, other) => {
  const world = await openWorld()
  await create(world, 'k')
  const answer = await create(world, 'k', other)
  expect([answer.statusCode, answer.json<{ code: string }>().code]).toEqual([422, 'idempotency-key-reused'])
  expect(world.count('workspaces')).toBe(1)
})

test('fields that are ignored, and nulls, make no other body', async () => {
  const world = await openWorld()
  const first = await create(world, 'k', { name: 'one' })
  expect((await create(world, 'k', { name: 'one', template: null, owner: 'eve' })).body).toBe(first.body)
})

test('a key belongs to its owner', async () => {
  const world = await openWorld()
  const alices = await create(world, 'k')
  const bobs = await create(world, 'k', { name: 'bobs' }, { 'x-user': 'bob' })
  expect([alices.statusCode, bobs.statusCode]).toEqual([200, 200])
  expect(bobs.json()).toMatchObject({ owner: 'bob', name: 'bobs' })
  expect((await create(world, 'k')).body).toBe(alices.body)
})

test('a create that was refused does not use up its key', async () => {
  const world = await openWorld()
  await world.make({ name: 'one' })
  for (const wish of [body, { name: 'x', template: 'nope' }, { name: '' }])
    expect((await create(world, 'k', wish)).statusCode).toBeGreaterThanOrEqual(400)
  expect(world.count('idempotency')).toBe(0)
  expect((await create(world, 'k', { name: 'two' })).statusCode).toBe(200)
})

test('without a key the same create is made again', async () => {
  const world = await openWorld()
  expect((await world.make({ name: 'a' })).id).not.toBe((await world.make({ name: 'b' })).id)
})
