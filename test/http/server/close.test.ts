import { expect, test } from 'vitest'
import { lastResponseIn, openRawConnection } from '../raw-connection.ts'
import { openTestServer } from '../test-server.ts'

const list = '/api/v1/workspaces'
const from = 'Host: localhost\r\nx-user: alice\r\n'

/** A close that takes longer waits for a connection. */
const closeLimitMs = 2_000

async function closing(close: () => PromiseLike<void>): Promise<number> {
  const startedAt = performance.now()
  await close()
  return performance.now() - startedAt
}

/** Polls: only rejected requests show that closing has started. */
async function firstRefusal(port: number): Promise<ReturnType<typeof lastResponseIn>> {
  const raw = await openRawConnection(port)
  raw.send(`GET /health HTTP/1.1\r\n${from}Connection: close\r\n\r\n`)
  const response = lastResponseIn(await raw.receiveAll())
  return response.status === 200 ? firstRefusal(port) : response
}

test('closing ends idle connections, and those that have sent nothing or half a request', async () => {
  const { app, listen } = await openTestServer()
  const port = await listen()
  const [idleConnection, silentConnection, header, body] = [
    await openRawConnection(port),
    await openRawConnection(port),
    await openRawConnection(port),
    await openRawConnection(port),
  ]
  idleConnection.send(`GET /health HTTP/1.1\r\n${from}\r\n`)
  await idleConnection.waitFor('"version"')
  header.send('GET /health HTTP/1.1\r\nHost: loc')
  body.send(`POST ${list} HTTP/1.1\r\n${from}Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"name"`)
  // Another round trip, so that the first bytes of all connections have arrived.
  idleConnection.send(`GET /health/ready HTTP/1.1\r\n${from}\r\n`)
  await idleConnection.waitFor('"ready"')
  expect(await closing(() => app.close())).toBeLessThan(closeLimitMs)
  await Promise.all([
    idleConnection.receiveAll(),
    silentConnection.receiveAll(),
    header.receiveAll(),
    body.receiveAll(),
  ])
})

test('closing waits for pending requests and rejects new ones', async () => {
  const { app, engine, listen, createWorkspace, waitFor } = await openTestServer()
  const port = await listen()
  const { id } = await createWorkspace()
  await waitFor(id, ({ status }) => status === 'running')
  let release = () => {}
  engine.before('remove', () => new Promise((resolve) => (release = () => resolve(undefined))))
  const deletion = await openRawConnection(port)
  const other = await openRawConnection(port)
  deletion.send(`DELETE ${list}/${id} HTTP/1.1\r\n${from}\r\n`)
  await waitFor(id, ({ status }) => status === 'deleting')
  const closed = closing(() => app.close())
  const refused = await firstRefusal(port)
  expect([refused.status, JSON.parse(refused.body)]).toEqual([
    503,
    { error: expect.any(String), code: 'shutting-down' },
  ])
  expect(refused.headers).toMatch(/^retry-after: 5$/im)
  release()
  const { status, body, headers } = lastResponseIn(await deletion.receiveAll())
  expect([status, body]).toEqual([200, '{"message":"Workspace deleted"}'])
  expect(headers).toMatch(/^connection: close$/im)
  expect(await closed).toBeLessThan(closeLimitMs)
  await other.receiveAll()
})

test('closing does not affect workspaces', async () => {
  const { app, engine, createWorkspace, supervisor, waitFor } = await openTestServer()
  const { id } = await createWorkspace()
  await waitFor(id, ({ status }) => status === 'running')
  await app.close()
  await supervisor.close()
  expect([...engine.containers.values()].map(({ state }) => state.kind)).toEqual(['running'])
  expect(engine.calls.filter(({ verb }) => verb === 'stop' || verb === 'remove')).toEqual([])
})
