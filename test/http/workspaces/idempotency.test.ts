import { expect, test } from 'vitest'
import type { InjectOverrides, TestServer } from '../test-server.ts'
import { openTestServer } from '../test-server.ts'

const list = '/api/v1/workspaces'
const body = { name: 'one', template: 'go', ttl_seconds: 60, metadata: { a: 1 } }

const create = (
  { inject }: TestServer,
  key: string,
  request: object = body,
  headers: InjectOverrides['headers'] = {},
) => inject('POST', list, { body: request, headers: { 'idempotency-key': key, ...headers } })

test('a repeated create gets the same bytes: concurrently, later, after an update and after a delete', async () => {
  const testServer = await openTestServer()
  const first = await create(testServer, 'k')
  expect(first.statusCode).toBe(200)
  const { id } = first.json<{ id: string }>()
  const same = async () => {
    const again = await create(testServer, 'k')
    expect([again.statusCode, again.body, again.headers['content-type']]).toEqual([
      200,
      first.body,
      first.headers['content-type'],
    ])
  }
  await same()
  await testServer.waitFor(id, ({ status }) => status === 'running')
  await same()
  await testServer.inject('PATCH', `${list}/${id}`, { body: { name: 'two' } })
  await same()
  await testServer.inject('DELETE', `${list}/${id}`)
  await same()
  expect(testServer.count('workspaces')).toBe(0)
})

test('concurrent creates with one key create one workspace, and all get its response', async () => {
  const testServer = await openTestServer()
  const responses = await Promise.all(Array.from({ length: 8 }, () => create(testServer, 'k')))
  expect(new Set(responses.map((response) => `${response.statusCode} ${response.body}`)).size).toBe(1)
  expect(testServer.count('workspaces')).toBe(1)
})

test.each([
  ['name', { ...body, name: 'two' }],
  ['template', { ...body, template: 'base' }],
  ['TTL', { ...body, ttl_seconds: 61 }],
  ['metadata', { ...body, metadata: { a: 2 } }],
  ['nothing but a name', { name: 'one' }],
])('the same key with another body (%s) is rejected', async (_label, other) => {
  const testServer = await openTestServer()
  await create(testServer, 'k')
  const response = await create(testServer, 'k', other)
  expect([response.statusCode, response.json<{ code: string }>().code]).toEqual([422, 'idempotency-key-reused'])
  expect(testServer.count('workspaces')).toBe(1)
})

test('ignored fields and nulls do not make a different body', async () => {
  const testServer = await openTestServer()
  const first = await create(testServer, 'k', { name: 'one' })
  expect((await create(testServer, 'k', { name: 'one', template: null, owner: 'eve' })).body).toBe(first.body)
})

test('a key belongs to its owner', async () => {
  const testServer = await openTestServer()
  const alices = await create(testServer, 'k')
  const bobs = await create(testServer, 'k', { name: 'bobs' }, { 'x-user': 'bob' })
  expect([alices.statusCode, bobs.statusCode]).toEqual([200, 200])
  expect(bobs.json()).toMatchObject({ owner: 'bob', name: 'bobs' })
  expect((await create(testServer, 'k')).body).toBe(alices.body)
})

test('a failed create does not use up its key', async () => {
  const testServer = await openTestServer()
  await testServer.createWorkspace({ name: 'one' })
  for (const request of [body, { name: 'x', template: 'nope' }, { name: '' }])
    expect((await create(testServer, 'k', request)).statusCode).toBeGreaterThanOrEqual(400)
  expect(testServer.count('idempotency')).toBe(0)
  expect((await create(testServer, 'k', { name: 'two' })).statusCode).toBe(200)
})

test('without a key, a repeated create is a new request', async () => {
  const testServer = await openTestServer()
  expect((await testServer.createWorkspace({ name: 'a' })).id).not.toBe(
    (await testServer.createWorkspace({ name: 'b' })).id,
  )
})
