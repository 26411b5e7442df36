import { expect, test } from 'vitest'
import { openTestServer } from '../test-server.ts'

const list = '/api/v1/workspaces'
const unknownId = '550e8400-e29b-41d4-a716-446655440000'

/** Every route that names a workspace. */
const routes = [
  ['GET', '', undefined],
  ['HEAD', '', undefined],
  ['PATCH', '', { name: 'x' }],
  ['DELETE', '', undefined],
  ['POST', '/start', undefined],
  ['POST', '/stop', undefined],
  ['POST', '/restart', undefined],
  ['GET', '/history', undefined],
  ['GET', '/events', undefined],
  ['GET', '/statechart', undefined],
  ['GET', '/shell', undefined],
  ['HEAD', '/shell', undefined],
  ['GET', '/history?limit=1', undefined],
  ['GET', '/logs', undefined],
  ['GET', '/logs?follow=true', undefined],
  ['HEAD', '/logs', undefined],
  ['GET', '/files?path=a', undefined],
  ['HEAD', '/files?path=a', undefined],
  ['PUT', '/files?path=a', {}],
  ['DELETE', '/files?path=a', undefined],
  ['GET', '/files/stat?path=a', undefined],
  ['GET', '/files/list?path=.', undefined],
  ['POST', '/files/directory', { path: 'a' }],
  ['POST', '/files/move', { from: 'a', to: 'b' }],
  ['GET', '/files/tree?path=.', undefined],
  ['PUT', '/files/tree?path=.', {}],
  ['POST', '/exec', { command: 'true' }],
  ['POST', '/exec', { command: ['true'], exec_id: 'one', stdin: 'stream' }],
  ['GET', '/exec', undefined],
  ['HEAD', '/exec', undefined],
  ['GET', '/exec/one', undefined],
  ['GET', '/exec/one?after=3&follow=true', undefined],
  ['HEAD', '/exec/one', undefined],
  ['PUT', '/exec/one/stdin', { some: 'input' }],
  ['POST', '/exec/one/kill', undefined],
  ['POST', '/exec/one/kill', { signal: 'SIGKILL' }],
] as const

test('the workspace of another owner, a deleted one and an unknown id get byte-identical responses', async () => {
  const { inject, count, createWorkspace, waitFor } = await openTestServer()
  const bobs = await createWorkspace({ name: 'bobs' }, { 'x-user': 'bob' })
  await waitFor(bobs.id, ({ status }) => status === 'running')
  const deleted = await createWorkspace({ name: 'deleted' }, { 'x-user': 'bob' })
  await inject('DELETE', `${list}/${deleted.id}`, { headers: { 'x-user': 'bob' } })
  const lines = count('journal')
  for (const [method, path, body] of routes) {
    const responses = []
    for (const id of [unknownId, bobs.id, bobs.id.toUpperCase(), deleted.id, 'no-uuid']) {
      const { statusCode, body: bytes, headers } = await inject(method, `${list}/${id}${path}`, body ? { body } : {})
      responses.push({ statusCode, bytes, headers: { ...headers, date: '', 'x-request-id': '' } })
    }
    for (const response of responses) expect(response, `${method} ${path}`).toEqual(responses[0])
    expect(responses[0]?.statusCode).toBe(404)
  }
  expect(count('journal')).toBe(lines)
  expect((await inject('GET', `${list}/${bobs.id}`, { headers: { 'x-user': 'bob' } })).statusCode).toBe(200)
})

test('an unknown id is not looked up in the database, so it takes no longer than the workspace of another owner', async () => {
  const { inject, database, createWorkspace } = await openTestServer()
  await createWorkspace()
  // A row that the service does not know: only a database lookup would find it.
  database.db.exec(`INSERT INTO workspaces SELECT 99, '${unknownId}', owner, 'copy', template, provider, status, created_at,
    updated_at, expires_at, revision, machine, snapshot, unreadable FROM workspaces`)
  expect((await inject('GET', `${list}/${unknownId}`)).statusCode).toBe(404)
})

test('an invalid body is rejected before the owner of the workspace is checked', async () => {
  const { inject, createWorkspace } = await openTestServer()
  const { id } = await createWorkspace({ name: 'bobs' }, { 'x-user': 'bob' })
  const [responseForOther, responseForMissing] = [
    await inject('PATCH', `${list}/${id}`, { body: {} }),
    await inject('PATCH', `${list}/${unknownId}`, { body: {} }),
  ]
  expect([responseForOther.statusCode, responseForOther.body]).toEqual([
    responseForMissing.statusCode,
    responseForMissing.body,
  ])
})

test('operators may command any workspace, and its history names them', async () => {
  const { inject, createWorkspace, waitFor } = await openTestServer()
  const { id } = await createWorkspace()
  await waitFor(id, ({ status }) => status === 'running')
  const headers = { 'x-user': 'root' }
  expect((await inject('POST', `${list}/${id}/stop`, { headers })).statusCode).toBe(200)
  await waitFor(id, ({ status }) => status === 'stopped')
  expect(
    (await inject('PATCH', `${list}/${id}`, { headers, body: { metadata: { seen: true } } })).json(),
  ).toMatchObject({
    owner: 'alice',
  })
  expect((await inject('DELETE', `${list}/${id}`, { headers })).statusCode).toBe(200)
  const history = (await inject('GET', `${list}/${id}/history`)).json<{ event: string; by: string }[]>()
  expect(history.filter(({ by }) => by === 'user:root').map(({ event }) => event)).toEqual(['stop', 'update', 'delete'])
})
