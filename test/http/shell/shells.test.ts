import { expect, test } from 'vitest'
import type { RunningWorkspace } from './shell-contract.ts'
import { shellContract } from './shell-contract.ts'
import { refusedShell, openShell } from './shell-client.ts'
import type { TestServerOptions } from '../test-server.ts'
import { openTestServer } from '../test-server.ts'

const unknownId = '550e8400-e29b-41d4-a716-446655440000'

/** A running workspace, and the port of its service. */
async function openWorkspace(options: TestServerOptions = {}): Promise<RunningWorkspace> {
  const testServer = await openTestServer({ realProcesses: true, ...options })
  const port = await testServer.listen()
  const { id } = await testServer.createWorkspace()
  await testServer.waitFor(id, ({ status }) => status === 'running')
  return { ...testServer, id, port }
}

shellContract(openWorkspace)

test('a shell that is killed reports the signal', async () => {
  const { id, port } = await openWorkspace()
  const shell = await openShell(port, id)
  shell.type('kill -9 $$\n')
  expect(await shell.waitForNotice('ended')).toEqual({ type: 'ended', signal: 'SIGKILL' })
})

test('an invalid text frame closes the connection with 1003, an oversized frame with 1009', async () => {
  const { id, port } = await openWorkspace()
  for (const text of ['not JSON', '{"type":"resize","columns":0,"rows":5}', '{"type":"shout"}']) {
    const shell = await openShell(port, id)
    shell.socket.send(text)
    expect(await shell.closed, text).toMatchObject({ code: 1003, reason: expect.stringContaining('resize') })
  }
  const shell = await openShell(port, id)
  shell.socket.send(Buffer.alloc(1024 * 1024 + 1))
  expect((await shell.closed).code).toBe(1009)
})

test('a refused shell gets an HTTP error before the upgrade to a WebSocket', async () => {
  const { inject, createWorkspace, waitFor, id, port } = await openWorkspace()
  const aliceHeaders = { 'x-user': 'alice' }
  const shell = `/api/v1/workspaces/${id}/shell`
  expect(await refusedShell(port, id, { headers: {} })).toMatchObject({ status: 401 })
  expect(await refusedShell(port, id, { headers: { 'x-user': 'bob' } })).toMatchObject({
    status: 404,
    body: { code: 'workspace-not-found' },
  })
  expect(await refusedShell(port, id, { query: { session: unknownId } })).toMatchObject({
    status: 404,
    body: { code: 'shell-not-found' },
  })
  expect(await refusedShell(port, id, { query: { columns: '0' } })).toMatchObject({
    status: 400,
    body: { code: 'invalid' },
  })
  for (const origin of ['http://evil.example', 'null', `http://127.0.0.1:${port + 1}`])
    expect(await refusedShell(port, id, { headers: { ...aliceHeaders, origin } }), origin).toMatchObject({
      status: 400,
      body: { code: 'origin-not-allowed' },
    })
  const ownOrigin = await openShell(port, id, { headers: { ...aliceHeaders, origin: `http://127.0.0.1:${port}` } })
  ownOrigin.socket.terminate()
  const plain = await inject('GET', shell)
  expect([plain.statusCode, plain.headers['upgrade'], plain.json()]).toMatchObject([
    426,
    'websocket',
    { code: 'upgrade-required' },
  ])
  const { id: stopped } = await createWorkspace({ name: 'stopped' })
  await waitFor(stopped, ({ status }) => status === 'running')
  await inject('POST', `/api/v1/workspaces/${stopped}/stop`)
  await waitFor(stopped, ({ status }) => status === 'stopped')
  expect(await refusedShell(port, stopped)).toMatchObject({
    status: 409,
    body: { code: 'refused-in-state', state: 'stopped.idle' },
  })
})

test('behind a proxy, a page of another origin cannot open a shell either', async () => {
  const { listen } = await openTestServer({ auth: { mode: 'proxy' } })
  const headers = { 'x-vm-user': 'alice', origin: 'https://evil.example' }
  expect(await refusedShell(await listen(), unknownId, { headers })).toMatchObject({
    status: 400,
    body: { code: 'origin-not-allowed' },
  })
})

test('a workspace has at most 32 shells at a time', async () => {
  const { id, port } = await openWorkspace()
  const shells = await Promise.all(Array.from({ length: 32 }, () => openShell(port, id)))
  expect(await refusedShell(port, id)).toMatchObject({ status: 429, body: { code: 'too-many-runs' } })
  const [firstShell] = shells
  firstShell?.type('exit\n')
  await firstShell?.closed
  await openShell(port, id)
}, 30_000)

test('a shutdown hangs up shells and closes their connections', async () => {
  const { app, id, port } = await openWorkspace()
  const shell = await openShell(port, id)
  shell.type('echo rea""dy\n')
  await shell.waitForScreen(/ready/)
  await app.close()
  expect((await shell.closed).code).toBe(1001)
})
