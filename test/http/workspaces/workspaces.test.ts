import { expect, test } from 'vitest'
import { presentWorkspace } from '../../../src/http/presenters/workspace.ts'
import { fault } from '../../../src/workspace/fault.ts'
import { newWorkspaceId } from '../../../src/workspace/id.ts'
import type { WorkspaceBody } from '../test-server.ts'
import { openTestServer, ownerOf } from '../test-server.ts'

const list = '/api/v1/workspaces'
const running = ({ status }: WorkspaceBody) => status === 'running'
const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)

test('a new workspace has these fields and no others', async () => {
  const { createWorkspace } = await openTestServer()
  const workspace = await createWorkspace({
    name: 'my-workspace',
    template: 'nodejs',
    ttl_seconds: 86400,
    metadata: { team: 'blue' },
  })
  expect(workspace).toEqual({
    id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/),
    name: 'my-workspace',
    owner: 'alice',
    template: 'nodejs',
    provider: 'docker',
    status: 'creating',
    state: 'creating.queued',
    ready: false,
    settled: false,
    can: ['update', 'delete'],
    created_at: time,
    updated_at: workspace['created_at'],
    ttl_seconds: 86400,
    expires_at: new Date(Date.parse(String(workspace['created_at'])) + 86_400_000).toISOString(),
    metadata: { team: 'blue' },
  })
})

test('a running workspace has connection info, and leaves out fields without a value', async () => {
  const { inject, createWorkspace, waitFor } = await openTestServer()
  const { id } = await createWorkspace({ name: 'one' })
  await waitFor(id, running)
  const { statusCode, body, headers } = await inject('GET', `${list}/${id}`)
  expect(statusCode).toBe(200)
  expect(headers['content-type']).toBe('application/json; charset=utf-8')
  const workspace: WorkspaceBody = JSON.parse(body)
  expect(workspace).toEqual({
    id,
    name: 'one',
    owner: 'alice',
    template: 'base',
    provider: 'docker',
    status: 'running',
    state: 'running.up',
    ready: true,
    settled: true,
    can: ['stop', 'restart', 'update', 'delete'],
    created_at: time,
    updated_at: time,
    provider_id: expect.stringMatching(/^[0-9a-f]{64}$/),
    connection_info: { container_id: String(workspace['provider_id']).slice(0, 12), ssh_command: 'vm ssh one' },
  })
  expect((await inject('GET', `${list}/${id.toUpperCase()}`)).body).toBe(body)
  expect(await inject('HEAD', `${list}/${id}`)).toMatchObject({ statusCode: 200, body: '' })
})

test('a workspace is ready while it can be used, and settled while nothing is in progress', async () => {
  const { inject, engine, createWorkspace, waitFor } = await openTestServer()
  const flagsOf = ({ ready, settled }: WorkspaceBody) => ({ ready, settled })
  const { id } = await createWorkspace()
  expect(flagsOf(await waitFor(id, running))).toEqual({ ready: true, settled: true })
  let release = () => {}
  engine.before('stop', () => new Promise((resolve) => (release = () => resolve(undefined))))
  const stopping = (await inject('POST', `${list}/${id}/stop`)).json<WorkspaceBody>()
  expect(flagsOf(stopping)).toEqual({ ready: false, settled: false })
  release()
  const stopped = await waitFor(id, ({ status }) => status === 'stopped')
  expect(flagsOf(stopped)).toEqual({ ready: false, settled: true })
  engine.failNext('image', fault('permanent', 'The image does not exist.').fault)
  const failed = await createWorkspace({ name: 'two' })
  expect(flagsOf(await waitFor(failed.id, ({ status }) => status === 'failed'))).toEqual({
    ready: false,
    settled: true,
  })
})

test('a quarantined workspace is failed, settled and not ready, and can only be deleted', () => {
  const identity = { id: newWorkspaceId(), owner: ownerOf('alice'), name: 'one', template: 'base', provider: 'docker' }
  const times = { createdAt: 0, updatedAt: 0, expiresAt: null }
  const stored = { seq: 1, status: 'running', revision: 1, machine: 99, snapshot: '{}', unreadable: null }
  const row = { ...identity, ...times, ...stored }
  expect(presentWorkspace({ kind: 'quarantined', row, reason: 'machine version 99' })).toMatchObject({
    status: 'failed',
    state: 'failed',
    ready: false,
    settled: true,
    can: ['delete'],
    error_message: expect.stringContaining('machine version 99'),
  })
})

test('a workspace whose image does not exist fails with the reason, and can be started again', async () => {
  const { inject, engine, createWorkspace, waitFor } = await openTestServer()
  engine.failNext('image', fault('permanent', 'The image base:1 does not exist: manifest unknown.').fault)
  const { id } = await createWorkspace()
  const failed = await waitFor(id, ({ status }) => status === 'failed')
  expect(failed['error_message']).toContain('manifest unknown')
  expect(failed['can']).toEqual(['start', 'update', 'delete'])
  expect(failed).not.toHaveProperty('connection_info')
  const started = (await inject('POST', `${list}/${id}/start`)).json<WorkspaceBody>()
  expect(started.status).toBe('creating')
  expect(started).not.toHaveProperty('error_message')
  await waitFor(id, running)
})

test.each([
  ['explicit nulls', { name: 'x', template: null, ttl_seconds: null, metadata: null }],
  ['unknown fields', { name: 'x', owner: 'eve', provider: 'vm', repo_url: 'x', id: '1', status: 'running' }],
  ['names of object properties', { name: 'x', constructor: null, toString: 1 }],
])('a create request with %s ignores them', async (_label, body) => {
  const { createWorkspace } = await openTestServer()
  const workspace = await createWorkspace(body)
  const fields = 'can created_at id name owner provider ready settled state status template updated_at'
  expect(Object.keys(workspace).toSorted()).toEqual(fields.split(' '))
  expect(workspace).toMatchObject({
    name: 'x',
    owner: 'alice',
    template: 'base',
    provider: 'docker',
    status: 'creating',
  })
})

test('metadata is returned unchanged: markup, lone surrogates, names of object properties, depth, 16 KiB', async () => {
  const { inject, createWorkspace } = await openTestServer()
  const deep = JSON.parse('['.repeat(90) + ']'.repeat(90)) as unknown
  const text = JSON.stringify({
    html: '<img src=x onerror=alert(1)>',
    'ключ\n"\\': '\u2028 \ud800 💥',
    constructor: 'a',
    toString: [null, true, -0.5, 1e308],
    deep,
    shell: '$(rm -rf /); `id`',
  })
  const metadata: unknown = JSON.parse(text)
  const { id } = await createWorkspace({ name: 'x', metadata })
  expect((await inject('GET', `${list}/${id}`)).json<WorkspaceBody>()['metadata']).toEqual(metadata)
  const most = { a: 'x'.repeat(16 * 1024 - 8) }
  const response = await inject('PATCH', `${list}/${id}`, { body: { metadata: most } })
  expect(response.json<WorkspaceBody>()['metadata']).toEqual(most)
})

test.each([
  ['30 days', 2_592_000],
  ['the maximum', 315_360_000],
])('a workspace with a TTL of %s stays alive', async (_label, ttl_seconds) => {
  const { inject, createWorkspace, waitFor } = await openTestServer()
  const { id, created_at, expires_at } = await createWorkspace({ name: 'x', ttl_seconds })
  expect(Date.parse(String(expires_at)) - Date.parse(String(created_at))).toBe(ttl_seconds * 1000)
  await waitFor(id, running)
  expect((await inject('GET', `${list}/${id}`)).statusCode).toBe(200)
})

test('a workspace with a TTL of one second is deleted by the system when it expires', async () => {
  const { inject, createWorkspace, engine } = await openTestServer()
  const { id } = await createWorkspace({ name: 'x', ttl_seconds: 1 })
  // Polled: without an event stream, the API announces no deletion.
  while ((await inject('GET', `${list}/${id}`)).statusCode === 200)
    await new Promise((resolve) => setTimeout(resolve, 20))
  while (engine.containers.size > 0) await new Promise((resolve) => setTimeout(resolve, 2))
  const history = (await inject('GET', `${list}/${id}/history`)).json<{ event: string; by: string }[]>()
  expect(history.find(({ event }) => event === 'expire')?.by).toBe('system:expiry')
})

test('PATCH changes the given fields only; null removes a value', async () => {
  const { inject, createWorkspace, waitFor } = await openTestServer()
  const { id } = await createWorkspace({ name: 'one', ttl_seconds: 100, metadata: { a: 1, b: 2 } })
  const before = await waitFor(id, running)
  const patch = async (body: object) => (await inject('PATCH', `${list}/${id}`, { body })).json<WorkspaceBody>()
  const { updated_at: _updated, expires_at: _expires, ...rest } = before

  const renamed = await patch({ name: 'two', nobody: 'knows' })
  expect(renamed).toMatchObject({
    ...rest,
    name: 'two',
    expires_at: before['expires_at'],
    connection_info: { ssh_command: 'vm ssh two' },
  })
  expect((await patch({ metadata: { c: 3 } }))['metadata']).toEqual({ c: 3 })
  const requestedAt = Date.now()
  const longer = await patch({ ttl_seconds: 1000 })
  expect(longer['ttl_seconds']).toBe(1000)
  expect(Date.parse(String(longer['expires_at']))).toBeGreaterThanOrEqual(requestedAt + 1_000_000)
  expect(longer['metadata']).toEqual({ c: 3 })
  const permanent = await patch({ ttl_seconds: null, metadata: null })
  for (const field of ['ttl_seconds', 'expires_at', 'metadata']) expect(permanent).not.toHaveProperty(field)
  expect((await inject('GET', `${list}/${id}`)).json()).toEqual(permanent)
})

test.each([
  {},
  { nobody: 'knows' },
  { name: null },
  { name: 'a/b' },
  { ttl_seconds: 0 },
  { ttl_seconds: '60' },
  { metadata: [] },
  [],
  'x',
])('PATCH with %j is rejected and changes nothing', async (body) => {
  const { inject, count, createWorkspace, waitFor } = await openTestServer()
  const { id } = await createWorkspace({ name: 'one', ttl_seconds: 100, metadata: { a: 1 } })
  const before = await waitFor(id, running)
  const lines = count('journal')
  const response = await inject('PATCH', `${list}/${id}`, { body: JSON.stringify(body) })
  expect(response.json<{ code: string }>().code).toBe('invalid')
  expect([(await inject('GET', `${list}/${id}`)).json(), count('journal')]).toEqual([before, lines])
})

test('a name is unique among the workspaces of its owner, case-sensitive', async () => {
  const { inject, count, createWorkspace } = await openTestServer()
  await createWorkspace({ name: 'one' })
  const two = await createWorkspace({ name: 'two' })
  await createWorkspace({ name: 'One' })
  await createWorkspace({ name: 'one' }, { 'x-user': 'bob' })
  for (const taken of [
    await inject('POST', list, { body: { name: 'one' } }),
    await inject('PATCH', `${list}/${two.id}`, { body: { name: 'one', metadata: { a: 1 } } }),
  ])
    expect([taken.statusCode, taken.json<{ code: string }>().code]).toEqual([409, 'name-taken'])
  expect((await inject('GET', `${list}/${two.id}`)).json()).not.toHaveProperty('metadata')
  expect(count('workspaces')).toBe(4)
  const same = await inject('PATCH', `${list}/${two.id}`, { body: { name: 'two' } })
  expect(same.statusCode).toBe(200)
})

test('concurrent creates with one name create one workspace', async () => {
  const { inject, count, engine } = await openTestServer()
  const responses = await Promise.all(Array.from({ length: 8 }, () => inject('POST', list, { body: { name: 'one' } })))
  expect(responses.filter(({ statusCode }) => statusCode === 200)).toHaveLength(1)
  expect(responses.filter(({ statusCode }) => statusCode === 409)).toHaveLength(7)
  expect(count('workspaces')).toBe(1)
  expect(new Set(engine.calls.flatMap(({ workspaceId }) => workspaceId ?? [])).size).toBeLessThanOrEqual(1)
})
