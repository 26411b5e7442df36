import { expect, test } from 'vitest'
import type { Shown } from './world.ts'
import { openWorld } from './world.ts'

const list = '/api/v1/workspaces'
const is = (status: string) => (shown: Shown) => shown.status === status

test('stop, start and restart are answered with the workspace as it is then', async () => {
  const { ask, make, until } = await openWorld()
  const { id } = await make()
  await until(id, is('running'))
  const stop = await ask('POST', `${list}/${id}/stop`)
  expect(stop.json<Shown>()).toMatchObject({ status: 'running', state: expect.stringMatching(/^running\.stopping/) })
  const stopped = await until(id, is('stopped'))
  expect(stopped.can).toEqual(['start', 'amend', 'delete'])
  expect(stopped).not.toHaveProperty('connection_info')
  expect((await ask('POST', `${list}/${id}/start`)).json<Shown>().state).toMatch(/^stopped\.starting/)
  await until(id, is('running'))
  expect((await ask('POST', `${list}/${id}/restart`)).json<Shown>().state).toMatch(/^running\.restarting/)
  await until(id, ({ state }) => state === 'running.up')
  const events = (await ask('GET', `${list}/${id}/history`)).json<{ event: string; by: string }[]>()
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
])(
  'a workspace that is %s refuses %s, says in which state it is, and stays as it is',
  async (status, command, state) => {
    const { ask, count, engine, make, until } = await openWorld()
    if (status === 'creating') engine.before('image', () => new Promise(() => {}))
    const { id } = await make()
    if (status === 'creating') await until(id, (shown) => shown.state === state)
    else await until(id, is('running'))
    if (status === 'stopped') await ask('POST', `${list}/${id}/stop`)
    const before = await until(id, is(status))
    const lines = count('journal')
    const answer = await ask('POST', `${list}/${id}/${command}`)
    expect(answer.statusCode).toBe(409)
    expect(answer.json()).toEqual({ error: expect.stringContaining(`"${state}"`), code: 'refused-in-state', state })
    expect([(await ask('GET', `${list}/${id}`)).json(), count('journal')]).toEqual([before, lines])
  },
)

test.each([
  ['none', {}],
  ['of JSON that is empty', { 'content-type': 'application/json' }],
  ['of a form that is empty', { 'content-type': 'application/x-www-form-urlencoded', 'content-length': '0' }],
])('a command may come with a body: %s', async (_what, headers) => {
  const { ask, make, until } = await openWorld()
  const { id } = await make()
  await until(id, is('running'))
  expect((await ask('POST', `${list}/${id}/stop`, { headers })).statusCode).toBe(200)
  await until(id, is('stopped'))
  expect(
    (await ask('POST', `${list}/${id}/start`, { headers, ...('content-length' in headers ? {} : { body: '' }) }))
      .statusCode,
  ).toBe(200)
  expect((await ask('DELETE', `${list}/${id}`, { headers })).statusCode).toBe(200)
})

test('a command with a body that is broken is refused', async () => {
  const { ask, make, until } = await openWorld()
  const { id } = await make()
  await until(id, is('running'))
  for (const [method, path] of [
    ['POST', '/stop'],
    ['DELETE', ''],
  ] as const) {
    const answer = await ask(method, `${list}/${id}${path}`, { body: '{' })
    expect([answer.statusCode, answer.json<{ code: string }>().code]).toEqual([400, 'malformed-json'])
  }
  expect((await ask('GET', `${list}/${id}`)).json<Shown>().state).toBe('running.up')
})

test('DELETE is answered once the container is gone, and a second one with 404', async () => {
  const { ask, count, engine, make, until } = await openWorld()
  const { id } = await make()
  await until(id, is('running'))
  const answer = await ask('DELETE', `${list}/${id}`)
  expect([answer.statusCode, answer.body]).toEqual([200, '{"message":"Workspace deleted"}'])
  expect([engine.containers.size, count('workspaces')]).toEqual([0, 0])
  for (const again of [await ask('DELETE', `${list}/${id}`), await ask('GET', `${list}/${id}`)])
    expect([again.statusCode, again.body]).toEqual([
      404,
      '{"error":"Workspace not found","code":"workspace-not-found"}',
    ])
})

test.each(['image', 'container', 'boot', 'setup'] as const)(
  'DELETE while the %s is being made leaves nothing',
  async (verb) => {
    const { ask, count, engine, make, until } = await openWorld()
    engine.before(verb, () => new Promise(() => {}))
    const { id } = await make()
    await until(id, ({ state }) => state === `creating.${verb}`)
    expect((await ask('DELETE', `${list}/${id}`)).statusCode).toBe(200)
    expect([engine.containers.size, count('workspaces')]).toEqual([0, 0])
    const history = (await ask('GET', `${list}/${id}/history`)).json<{ to: string }[]>()
    expect(history.at(-1)?.to).toBe('deleted')
  },
)

test('while a DELETE waits for an engine that is slow, the workspace is gone already and its name is free', async () => {
  const { ask, engine, make, until } = await openWorld()
  const first = await make({ name: 'one' })
  await until(first.id, is('running'))
  let release = () => {}
  engine.before('remove', () => new Promise((resolve) => (release = () => resolve(undefined))))
  const deletion = ask('DELETE', `${list}/${first.id}`)
  await until(first.id, is('deleting'))
  for (const [method, path] of [
    ['GET', ''],
    ['PATCH', ''],
    ['POST', '/start'],
    ['POST', '/stop'],
    ['DELETE', ''],
  ] as const) {
    const answer = await ask(method, `${list}/${first.id}${path}`, {
      ...(method === 'PATCH' && { body: { metadata: null } }),
    })
    expect([method, path, answer.statusCode]).toEqual([method, path, 404])
  }
  expect((await ask('GET', list)).json()).toEqual([])
  const second = await make({ name: 'one' })
  expect(second.id).not.toBe(first.id)
  await until(second.id, is('running'))
  release()
  expect((await deletion).statusCode).toBe(200)
  expect((await ask('GET', list)).json<Shown[]>().map(({ id }) => id)).toEqual([second.id])
})

test('create, delete and create of one name in one burst make one workspace with one container', async () => {
  const { ask, engine, make, until } = await openWorld()
  const first = await make({ name: 'one' })
  const [gone, second] = await Promise.all([
    ask('DELETE', `${list}/${first.id}`),
    ask('POST', list, { body: { name: 'one' } }),
  ])
  expect(gone.statusCode).toBe(200)
  const made = second.statusCode === 200 ? second.json<Shown>() : await make({ name: 'one' })
  await until(made.id, is('running'))
  expect([...engine.containers.values()].map(({ workspaceId }) => workspaceId)).toEqual([made.id])
})

test('commands given at once with a DELETE are answered, and never bring the workspace back', async () => {
  const { ask, engine, make, until } = await openWorld()
  const { id } = await make()
  await until(id, is('running'))
  const answers = await Promise.all([
    ask('DELETE', `${list}/${id}`),
    ask('POST', `${list}/${id}/stop`),
    ask('PATCH', `${list}/${id}`, { body: { name: 'two' } }),
    ask('DELETE', `${list}/${id}`),
    ask('POST', `${list}/${id}/restart`),
  ])
  expect(answers.map(({ statusCode }) => statusCode)).toEqual([200, 404, 404, 404, 404])
  expect(engine.containers.size).toBe(0)
})
