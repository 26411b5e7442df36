import { expect, test } from 'vitest'
import { openWorld } from './world.ts'

test('the snapshot of a workspace tells its owner what the statechart remembers', async () => {
  const { ask, engine, make, until } = await openWorld()
  engine.failNext('boot', { again: 'later', message: 'The engine is busy.' })
  const { id } = await make({ name: 'one', metadata: { a: 1 } })
  await until(id, ({ state }) => state === 'creating.waiting')
  const waiting = (await ask('GET', `/api/v1/workspaces/${id}/snapshot`)).json()
  expect(waiting).toMatchObject({ state: 'creating.waiting', value: { creating: 'waiting' } })
  expect(waiting.context).toMatchObject({
    step: 'boot',
    tries: 1,
    forEngine: false,
    prepared: false,
    metadata: { a: 1 },
  })
  expect(Date.parse(waiting.context.retryAt)).toBeGreaterThan(Date.parse(waiting.context.createdAt))
  await until(id, ({ status }) => status === 'running')
  const up = (await ask('GET', `/api/v1/workspaces/${id}/snapshot`)).json()
  expect(up.context).toMatchObject({ tries: 0, prepared: true, connection: { container_id: expect.any(String) } })
  expect(up.revision).toBeGreaterThan(waiting.revision)
})

test('values of variables in a template are not in a snapshot, their names are', async () => {
  const { ask, make, database, until } = await openWorld()
  const { id } = await make({ name: 'one', template: 'python' })
  await until(id, ({ status }) => status === 'running')
  const stored = JSON.parse(String(database.db.prepare('SELECT snapshot FROM workspaces').pluck().get()))
  const variables = Object.entries({ ...stored.context.recipe.containerEnv, ...stored.context.recipe.remoteEnv })
  expect(variables.length).toBeGreaterThan(0)
  const { body } = await ask('GET', `/api/v1/workspaces/${id}/snapshot`)
  for (const [name, value] of variables) {
    expect(body).toContain(JSON.stringify(name))
    expect(body).not.toContain(JSON.stringify(value))
  }
})

test("another owner's snapshot does not exist, an operator sees it", async () => {
  const { ask, make } = await openWorld()
  const { id } = await make()
  const as = (user: string) => ask('GET', `/api/v1/workspaces/${id}/snapshot`, { headers: { 'x-user': user } })
  expect([(await as('bob')).statusCode, (await as('root')).statusCode]).toEqual([404, 200])
})
