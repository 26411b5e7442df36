import { expect, test } from 'vitest'
import type { WorkspaceBody } from '../test-server.ts'
import { openTestServer } from '../test-server.ts'

const list = '/api/v1/workspaces'
const is = (status: string) => (workspace: WorkspaceBody) => workspace.status === status

test('stop, start and restart respond with the new state of the workspace', async () => {
  const { inject, createWorkspace, waitFor } = await openTestServer()
  const { id } = await createWorkspace()
  await waitFor(id, is('running'))
  const stop = await inject('POST', `${list}/${id}/stop`)
  expect(stop.json<WorkspaceBody>()).toMatchObject({
    status: 'running',
    state: expect.stringMatching(/^running\.stopping/),
  })
  const stopped = await waitFor(id, is('stopped'))
  expect(stopped.can).toEqual(['start', 'update', 'delete'])
  expect(stopped).not.toHaveProperty('connection_info')
  expect((await inject('POST', `${list}/${id}/start`)).json<WorkspaceBody>().state).toMatch(/^stopped\.starting/)
  await waitFor(id, is('running'))
  expect((await inject('POST', `${list}/${id}/restart`)).json<WorkspaceBody>().state).toMatch(/^running\.restarting/)
  await waitFor(id, ({ state }) => state === 'running.up')
  const events = (await inject('GET', `${list}/${id}/history`)).json<{ event: string; by: string }[]>()
  const commands = events.filter(({ by }) => by === 'user:alice').map(({ event }) => event)
  expect(commands).toEqual(['create', 'stop', 'start', 'restart'])
})

test.each<readonly [string, 'start' | 'stop' | 'restart', string]>([
  ['running', 'start', 'running.up'],
  ['stopped', 'stop', 'stopped.idle'],
  ['stopped', 'restart', 'stopped.idle'],
  ['creating', 'start', 'creating.image'],
  ['creating', 'stop', 'creating.image'],
  ['creating', 'restart', 'creating.image'],
])('a workspace that is %s refuses %s, names its state, and does not change', async (status, command, state) => {
  const { inject, count, engine, createWorkspace, waitFor } = await openTestServer()
  if (status === 'creating') engine.before('image', () => new Promise(() => {}))
  const { id } = await createWorkspace()
  if (status === 'creating') await waitFor(id, (workspace) => workspace.state === state)
  else await waitFor(id, is('running'))
  if (status === 'stopped') await inject('POST', `${list}/${id}/stop`)
  const before = await waitFor(id, is(status))
  const lines = count('journal')
  const response = await inject('POST', `${list}/${id}/${command}`)
  expect(response.statusCode).toBe(409)
  expect(response.json()).toEqual({ error: expect.stringContaining(`"${state}"`), code: 'refused-in-state', state })
  expect([(await inject('GET', `${list}/${id}`)).json(), count('journal')]).toEqual([before, lines])
})

test.each([
  ['none', {}],
  ['of JSON that is empty', { 'content-type': 'application/json' }],
  ['of a form that is empty', { 'content-type': 'application/x-www-form-urlencoded', 'content-length': '0' }],
])('a command may come with a body: %s', async (_label, headers) => {
  const { inject, createWorkspace, waitFor } = await openTestServer()
  const { id } = await createWorkspace()
  await waitFor(id, is('running'))
  expect((await inject('POST', `${list}/${id}/stop`, { headers })).statusCode).toBe(200)
  await waitFor(id, is('stopped'))
  expect(
    (await inject('POST', `${list}/${id}/start`, { headers, ...('content-length' in headers ? {} : { body: '' }) }))
      .statusCode,
  ).toBe(200)
  expect((await inject('DELETE', `${list}/${id}`, { headers })).statusCode).toBe(200)
})

test('a command with a malformed body is rejected', async () => {
  const { inject, createWorkspace, waitFor } = await openTestServer()
  const { id } = await createWorkspace()
  await waitFor(id, is('running'))
  for (const [method, path] of [
    ['POST', '/stop'],
    ['DELETE', ''],
  ] as const) {
    const response = await inject(method, `${list}/${id}${path}`, { body: '{' })
    expect([response.statusCode, response.json<{ code: string }>().code]).toEqual([400, 'malformed-json'])
  }
  expect((await inject('GET', `${list}/${id}`)).json<WorkspaceBody>().state).toBe('running.up')
})

test('DELETE responds when the container is removed, and a second DELETE is 404', async () => {
  const { inject, count, engine, createWorkspace, waitFor } = await openTestServer()
  const { id } = await createWorkspace()
  await waitFor(id, is('running'))
  const response = await inject('DELETE', `${list}/${id}`)
  expect([response.statusCode, response.body]).toEqual([200, '{"message":"Workspace deleted"}'])
  expect([engine.containers.size, count('workspaces')]).toEqual([0, 0])
  for (const again of [await inject('DELETE', `${list}/${id}`), await inject('GET', `${list}/${id}`)])
    expect([again.statusCode, again.body]).toEqual([
      404,
      '{"error":"Workspace not found","code":"workspace-not-found"}',
    ])
})

test.each(['image', 'container', 'boot', 'setup'] as const)(
  'DELETE during the %s step leaves nothing behind',
  async (verb) => {
    const { inject, count, engine, createWorkspace, waitFor } = await openTestServer()
    engine.before(verb, () => new Promise(() => {}))
    const { id } = await createWorkspace()
    await waitFor(id, ({ state }) => state === `creating.${verb}`)
    expect((await inject('DELETE', `${list}/${id}`)).statusCode).toBe(200)
    expect([engine.containers.size, count('workspaces')]).toEqual([0, 0])
    const history = (await inject('GET', `${list}/${id}/history`)).json<{ to: string }[]>()
    expect(history.at(-1)?.to).toBe('deleted')
  },
)

test('while a DELETE waits for a slow engine, the workspace is 404 and its name is free', async () => {
  const { inject, engine, createWorkspace, waitFor } = await openTestServer()
  const first = await createWorkspace({ name: 'one' })
  await waitFor(first.id, is('running'))
  let release = () => {}
  engine.before('remove', () => new Promise((resolve) => (release = () => resolve(undefined))))
  const deletion = inject('DELETE', `${list}/${first.id}`)
  await waitFor(first.id, is('deleting'))
  for (const [method, path] of [
    ['GET', ''],
    ['PATCH', ''],
    ['POST', '/start'],
    ['POST', '/stop'],
    ['DELETE', ''],
  ] as const) {
    const response = await inject(method, `${list}/${first.id}${path}`, {
      ...(method === 'PATCH' && { body: { metadata: null } }),
    })
    expect([method, path, response.statusCode]).toEqual([method, path, 404])
  }
  expect((await inject('GET', list)).json()).toEqual([])
  const second = await createWorkspace({ name: 'one' })
  expect(second.id).not.toBe(first.id)
  await waitFor(second.id, is('running'))
  release()
  expect((await deletion).statusCode).toBe(200)
  expect((await inject('GET', list)).json<WorkspaceBody[]>().map(({ id }) => id)).toEqual([second.id])
})

test('concurrent create, delete and create with one name leave one workspace with one container', async () => {
  const { inject, engine, createWorkspace, waitFor } = await openTestServer()
  const first = await createWorkspace({ name: 'one' })
  const [deletion, second] = await Promise.all([
    inject('DELETE', `${list}/${first.id}`),
    inject('POST', list, { body: { name: 'one' } }),
  ])
  expect(deletion.statusCode).toBe(200)
  const created = second.statusCode === 200 ? second.json<WorkspaceBody>() : await createWorkspace({ name: 'one' })
  await waitFor(created.id, is('running'))
  expect([...engine.containers.values()].map(({ workspaceId }) => workspaceId)).toEqual([created.id])
})

test('commands concurrent with a DELETE get a response and never bring the workspace back', async () => {
  const { inject, engine, createWorkspace, waitFor } = await openTestServer()
  const { id } = await createWorkspace()
  await waitFor(id, is('running'))
  const responses = await Promise.all([
    inject('DELETE', `${list}/${id}`),
    inject('POST', `${list}/${id}/stop`),
    inject('PATCH', `${list}/${id}`, { body: { name: 'two' } }),
    inject('DELETE', `${list}/${id}`),
    inject('POST', `${list}/${id}/restart`),
  ])
  expect(responses.map(({ statusCode }) => statusCode)).toEqual([200, 404, 404, 404, 404])
  expect(engine.containers.size).toBe(0)
})
