import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { loggedUrl, ticketOffice } from '../../src/http/tickets.ts'
import { refusalOf, shellOf } from './shell-client.ts'
import { openWorld, owner } from './world.ts'

const alice = { owner: owner('alice'), operator: false }

test('a ticket lets in whoever it was given to, once', async () => {
  const { ask, listen, make, until } = await openWorld({ real: true })
  const port = await listen()
  const { id } = await make()
  await until(id, ({ status }) => status === 'running')
  const got = await ask('POST', '/api/v1/tickets')
  expect(got.statusCode).toBe(200)
  const way = { headers: {}, query: { ticket: got.json<{ ticket: string }>().ticket } }
  const shell = await shellOf(port, id, way)
  shell.type('echo $((6*7))\n')
  await shell.shows(/^42$/m)
  expect(await refusalOf(port, id, way)).toMatchObject({ status: 401, body: { code: 'unauthenticated' } })
  // A header does not mend it: the ticket is what was asked with.
  expect(await refusalOf(port, id, { ...way, headers: { 'x-user': 'alice' } })).toMatchObject({ status: 401 })
})

test('a ticket of somebody else shows him nothing of what others have', async () => {
  const { ask, listen, make, until } = await openWorld({ real: true })
  const port = await listen()
  const { id } = await make()
  await until(id, ({ status }) => status === 'running')
  const bobs = (await ask('POST', '/api/v1/tickets', { headers: { 'x-user': 'bob' } })).json<{ ticket: string }>()
  expect(await refusalOf(port, id, { headers: {}, query: bobs })).toMatchObject({ status: 404 })
})

test('a ticket is for WebSockets alone', async () => {
  const { ask } = await openWorld()
  const { ticket } = (await ask('POST', '/api/v1/tickets')).json<{ ticket: string }>()
  const answer = await ask('GET', `/api/v1/workspaces?ticket=${ticket}`, { headers: { 'x-user': undefined } })
  expect(answer.statusCode).toBe(401)
  expect((await ask('POST', '/api/v1/tickets', { headers: { 'x-user': undefined } })).statusCode).toBe(401)
})

test('no ticket is written to the log', async () => {
  const { ask, listen, logged, make, until } = await openWorld({ real: true })
  const port = await listen()
  const { id } = await make()
  await until(id, ({ status }) => status === 'running')
  const { ticket } = (await ask('POST', '/api/v1/tickets')).json<{ ticket: string }>()
  await ask('GET', `/api/v1/workspaces/${id}?ticket=${ticket}`)
  await ask('GET', `/api/v1/workspaces/${id}?%74icket=${ticket}`)
  await refusalOf(port, id, { headers: {}, query: { columns: '0', ticket } })
  expect(logged.filter((line) => line.includes('/shell?'))).not.toEqual([])
  expect(logged.filter((line) => line.includes(ticket))).toEqual([])
  expect(loggedUrl('/a?limit=1')).toBe('/a?limit=1')
})

test('a ticket is void after 30 seconds, and the oldest once there are too many', () => {
  let now = 0
  const { issue, redeem } = ticketOffice(() => now)
  const late = issue(alice)
  expect(late.expiresAt).toBe(30_000)
  now = 29_999
  const inTime = issue(alice)
  now = 30_000
  expect(redeem(late.ticket)).toBeUndefined()
  expect(redeem(inTime.ticket)).toEqual(alice)
  const [first, second, ...rest] = Array.from({ length: 10_001 }, () => issue(alice))
  expect([first, second, rest.at(-1)].map((one) => redeem(one?.ticket ?? ''))).toEqual([undefined, alice, alice])
})

test('a client that offers HTTP/2 with what it sends is answered as any other, on a connection that stays', async () => {
  const { listen } = await openWorld()
  const socket = connect(await listen(), '127.0.0.1')
  const body = JSON.stringify({ name: 'offered' })
  const head = ['Host: localhost', 'x-user: alice', 'Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c']
  const post = ['POST /api/v1/workspaces HTTP/1.1', ...head, 'Content-Type: application/json']
  socket.write([...post, `Content-Length: ${body.length}`, '', body].join('\r\n'))
  const answers = socket[Symbol.asyncIterator]()
  expect(String((await answers.next()).value)).toMatch(/^HTTP\/1\.1 200 OK[^]*"offered"/)
  socket.write(['GET /api/v1/workspaces/none/shell HTTP/1.1', ...head, '', ''].join('\r\n'))
  expect(String((await answers.next()).value)).toMatch(/^HTTP\/1\.1 404 /)
  socket.write(['GET /health HTTP/1.1', 'Host: localhost', '', ''].join('\r\n'))
  expect(String((await answers.next()).value)).toMatch(/^HTTP\/1\.1 200 OK/)
  socket.destroy()
})
