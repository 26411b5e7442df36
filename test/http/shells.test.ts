import { expect, test } from 'vitest'
import type { Up } from './contract-shells.ts'
import { shellContract } from './contract-shells.ts'
import { refusalOf, shellOf } from './shell-client.ts'
import type { Setting } from './world.ts'
import { openWorld } from './world.ts'

const nobody = '550e8400-e29b-41d4-a716-446655440000'

/** A workspace that runs, and where it is served. */
async function up(setting: Setting = {}): Promise<Up> {
  const world = await openWorld({ real: true, ...setting })
  const port = await world.listen()
  const { id } = await world.make()
  await world.until(id, ({ status }) => status === 'running')
  return { ...world, id, port }
}

shellContract(up)

test('a shell that is killed says by which signal', async () => {
  const { id, port } = await up()
  const shell = await shellOf(port, id)
  shell.type('kill -9 $$\n')
  expect(await shell.told('ended')).toEqual({ type: 'ended', signal: 'SIGKILL' })
})

test('a text frame that is no request closes the connection with 1003, one that is too large with 1009', async () => {
  const { id, port } = await up()
  for (const text of ['no JSON', '{"type":"resize","columns":0,"rows":5}', '{"type":"shout"}']) {
    const shell = await shellOf(port, id)
    shell.socket.send(text)
    expect(await shell.closed, text).toMatchObject({ code: 1003, reason: expect.stringContaining('resize') })
  }
  const shell = await shellOf(port, id)
  shell.socket.send(Buffer.alloc(1024 * 1024 + 1))
  expect((await shell.closed).code).toBe(1009)
})

test('shells are refused in words before they are a WebSocket', async () => {
  const { ask, make, until, id, port } = await up()
  const alices = { 'x-user': 'alice' }
  const shell = `/api/v1/workspaces/${id}/shell`
  expect(await refusalOf(port, id, { headers: {} })).toMatchObject({ status: 401 })
  expect(await refusalOf(port, id, { headers: { 'x-user': 'bob' } })).toMatchObject({
    status: 404,
    body: { code: 'workspace-not-found' },
  })
  expect(await refusalOf(port, id, { query: { session: nobody } })).toMatchObject({
    status: 404,
    body: { code: 'shell-not-found' },
  })
  expect(await refusalOf(port, id, { query: { columns: '0' } })).toMatchObject({
    status: 400,
    body: { code: 'invalid' },
  })
  for (const origin of ['http://evil.example', 'null', `http://127.0.0.1:${port + 1}`])
    expect(await refusalOf(port, id, { headers: { ...alices, origin } }), origin).toMatchObject({
      status: 400,
      body: { code: 'origin-not-allowed' },
    })
  const own = await shellOf(port, id, { headers: { ...alices, origin: `http://127.0.0.1:${port}` } })
  own.socket.terminate()
  const plain = await ask('GET', shell)
  expect([plain.statusCode, plain.headers['upgrade'], plain.json()]).toMatchObject([
    426,
    'websocket',
    { code: 'upgrade-required' },
  ])
  const { id: stopped } = await make({ name: 'stopped' })
  await until(stopped, ({ status }) => status === 'running')
  await ask('POST', `/api/v1/workspaces/${stopped}/stop`)
  await until(stopped, ({ status }) => status === 'stopped')
  expect(await refusalOf(port, stopped)).toMatchObject({
    status: 409,
    body: { code: 'refused-in-state', state: 'stopped.idle' },
  })
})

test('behind a proxy a page of another origin opens no shell either', async () => {
  const { listen } = await openWorld({ auth: { mode: 'proxy' } })
  const headers = { 'x-vm-user': 'alice', origin: 'https://evil.example' }
  expect(await refusalOf(await listen(), nobody, { headers })).toMatchObject({
    status: 400,
    body: { code: 'origin-not-allowed' },
  })
})

test('a workspace has 32 shells at a time, and no more', async () => {
  const { id, port } = await up()
  const shells = await Promise.all(Array.from({ length: 32 }, () => shellOf(port, id)))
  expect(await refusalOf(port, id)).toMatchObject({ status: 429, body: { code: 'too-many-runs' } })
  const [one] = shells
  one?.type('exit\n')
  await one?.closed
  await shellOf(port, id)
}, 30_000)

test('a service that ends hangs its shells up, and tells who looks', async () => {
  const { app, id, port } = await up()
  const shell = await shellOf(port, id)
  shell.type('echo rea""dy\n')
  await shell.shows(/ready/)
  await app.close()
  expect((await shell.closed).code).toBe(1001)
})
