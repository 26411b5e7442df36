import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { redactedUrl, ticketStore } from '../../../src/http/server/ticket-store.ts'
import { refusedShell, openShell } from '../shell/shell-client.ts'
import { openTestServer, ownerOf } from '../test-server.ts'

const alice = { owner: ownerOf('alice'), operator: false }

test('a ticket authenticates its caller, once', async () => {
  const { inject, listen, createWorkspace, waitFor } = await openTestServer({ realProcesses: true })
  const port = await listen()
  const { id } = await createWorkspace()
  await waitFor(id, ({ status }) => status === 'running')
  const issued = await inject('POST', '/api/v1/tickets')
  expect(issued.statusCode).toBe(200)
  const path = { headers: {}, query: { ticket: issued.json<{ ticket: string }>().ticket } }
  const shell = await openShell(port, id, path)
  shell.type('echo $((6*7))\n')
  await shell.waitForScreen(/^42$/m)
  expect(await refusedShell(port, id, path)).toMatchObject({ status: 401, body: { code: 'unauthenticated' } })
  // A valid header does not help: the ticket takes precedence.
  expect(await refusedShell(port, id, { ...path, headers: { 'x-user': 'alice' } })).toMatchObject({ status: 401 })
})

test('a ticket of another user gives no access to the workspace', async () => {
  const { inject, listen, createWorkspace, waitFor } = await openTestServer({ realProcesses: true })
  const port = await listen()
  const { id } = await createWorkspace()
  await waitFor(id, ({ status }) => status === 'running')
  const bobs = (await inject('POST', '/api/v1/tickets', { headers: { 'x-user': 'bob' } })).json<{ ticket: string }>()
  expect(await refusedShell(port, id, { headers: {}, query: bobs })).toMatchObject({ status: 404 })
})

test('a ticket works for WebSockets only', async () => {
  const { inject } = await openTestServer()
  const { ticket } = (await inject('POST', '/api/v1/tickets')).json<{ ticket: string }>()
  const response = await inject('GET', `/api/v1/workspaces?ticket=${ticket}`, { headers: { 'x-user': undefined } })
  expect(response.statusCode).toBe(401)
  expect((await inject('POST', '/api/v1/tickets', { headers: { 'x-user': undefined } })).statusCode).toBe(401)
})

test('tickets are never logged', async () => {
  const { inject, listen, logged, createWorkspace, waitFor } = await openTestServer({ realProcesses: true })
  const port = await listen()
  const { id } = await createWorkspace()
  await waitFor(id, ({ status }) => status === 'running')
  const { ticket } = (await inject('POST', '/api/v1/tickets')).json<{ ticket: string }>()
  await inject('GET', `/api/v1/workspaces/${id}?ticket=${ticket}`)
  await inject('GET', `/api/v1/workspaces/${id}?%74icket=${ticket}`)
  await refusedShell(port, id, { headers: {}, query: { columns: '0', ticket } })
  expect(logged.filter((line) => line.includes('/shell?'))).not.toEqual([])
  expect(logged.filter((line) => line.includes(ticket))).toEqual([])
  expect(redactedUrl('/a?limit=1')).toBe('/a?limit=1')
})

test('a ticket expires after 30 seconds, and the oldest become invalid above 10,000', () => {
  let now = 0
  const { issue, redeem } = ticketStore(() => now)
  const expired = issue(alice)
  expect(expired.expiresAt).toBe(30_000)
  now = 29_999
  const inTime = issue(alice)
  now = 30_000
  expect(redeem(expired.ticket)).toBeUndefined()
  expect(redeem(inTime.ticket)).toEqual(alice)
  const [first, second, ...others] = Array.from({ length: 10_001 }, () => issue(alice))
  expect([first, second, others.at(-1)].map((issued) => redeem(issued?.ticket ?? ''))).toEqual([
    undefined,
    alice,
    alice,
  ])
})

test('a request that offers HTTP/2 gets an ordinary response, and the connection stays open', async () => {
  const { listen } = await openTestServer()
  const socket = connect(await listen(), '127.0.0.1')
  const body = JSON.stringify({ name: 'offered' })
  const head = ['Host: localhost', 'x-user: alice', 'Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c']
  const post = ['POST /api/v1/workspaces HTTP/1.1', ...head, 'Content-Type: application/json']
  socket.write([...post, `Content-Length: ${body.length}`, '', body].join('\r\n'))
  const responses = socket[Symbol.asyncIterator]()
  expect(String((await responses.next()).value)).toMatch(/^HTTP\/1\.1 200 OK[^]*"offered"/)
  socket.write(['GET /api/v1/workspaces/none/shell HTTP/1.1', ...head, '', ''].join('\r\n'))
  expect(String((await responses.next()).value)).toMatch(/^HTTP\/1\.1 404 /)
  socket.write(['GET /health HTTP/1.1', 'Host: localhost', '', ''].join('\r\n'))
  expect(String((await responses.next()).value)).toMatch(/^HTTP\/1\.1 200 OK/)
  socket.destroy()
})
