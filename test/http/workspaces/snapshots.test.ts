import { expect, test } from 'vitest'
import { openTestServer } from '../test-server.ts'

test('the snapshot shows the context of the statechart to the owner', async () => {
  const { inject, engine, createWorkspace, waitFor } = await openTestServer()
  engine.failNext('boot', { kind: 'transient', message: 'The engine is busy.' })
  const { id } = await createWorkspace({ name: 'one', metadata: { a: 1 } })
  await waitFor(id, ({ state }) => state === 'creating.waiting')
  const waiting = (await inject('GET', `/api/v1/workspaces/${id}/snapshot`)).json()
  expect(waiting).toMatchObject({ state: 'creating.waiting', value: { creating: 'waiting' } })
  expect(waiting.context).toMatchObject({
    step: 'boot',
    attempts: 1,
    waitingForEngine: false,
    prepared: false,
    metadata: { a: 1 },
  })
  expect(Date.parse(waiting.context.retryAt)).toBeGreaterThan(Date.parse(waiting.context.createdAt))
  await waitFor(id, ({ status }) => status === 'running')
  const up = (await inject('GET', `/api/v1/workspaces/${id}/snapshot`)).json()
  expect(up.context).toMatchObject({ attempts: 0, prepared: true, connection: { container_id: expect.any(String) } })
  expect(up.revision).toBeGreaterThan(waiting.revision)
})

test('a snapshot has the names of template variables, but not their values', async () => {
  const { inject, createWorkspace, database, waitFor } = await openTestServer()
  const { id } = await createWorkspace({ name: 'one', template: 'python' })
  await waitFor(id, ({ status }) => status === 'running')
  const stored = JSON.parse(String(database.db.prepare('SELECT snapshot FROM workspaces').pluck().get()))
  const variables = Object.entries({ ...stored.context.spec.containerEnv, ...stored.context.spec.remoteEnv })
  expect(variables.length).toBeGreaterThan(0)
  const { body } = await inject('GET', `/api/v1/workspaces/${id}/snapshot`)
  for (const [name, value] of variables) {
    expect(body).toContain(JSON.stringify(name))
    expect(body).not.toContain(JSON.stringify(value))
  }
})

test('a snapshot is 404 for other users and visible to operators', async () => {
  const { inject, createWorkspace } = await openTestServer()
  const { id } = await createWorkspace()
  const as = (user: string) => inject('GET', `/api/v1/workspaces/${id}/snapshot`, { headers: { 'x-user': user } })
  expect([(await as('bob')).statusCode, (await as('root')).statusCode]).toEqual([404, 200])
})
