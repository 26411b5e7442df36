import { expect, test } from 'vitest'
import { WebSocket } from 'ws'
import type { ShellEvent, ClientShellOptions } from '../../src/client/client.ts'
import { apiClient } from '../../src/client/client.ts'
import type { TestServer } from '../http/test-server.ts'
import { openTestServer } from '../http/test-server.ts'

async function openClient() {
  const testServer = await openTestServer({ realProcesses: true })
  const { id } = await testServer.createWorkspace()
  await testServer.waitFor(id, ({ status }) => status === 'running')
  const port = await testServer.listen()
  const client = apiClient({ url: `http://127.0.0.1:${port}`, user: 'alice' })
  const finished = new AbortController()
  const options: ClientShellOptions = {
    columns: 80,
    rows: 24,
    connect: (url) => new WebSocket(url),
    signal: finished.signal,
  }
  return { ...testServer, id, client, over: finished, wish: options }
}

/** Reads on until an event of this kind, or until this was written. */
async function until(events: AsyncIterable<ShellEvent>, what: ShellEvent['kind'] | RegExp): Promise<ShellEvent> {
  let written = ''
  // Whoever leaves the loop otherwise ends what he reads.
  for (const read = events[Symbol.asyncIterator](); ; ) {
    const { done, value } = await read.next()
    if (done === true) throw new Error(`it ended without ${String(what)}: ${written}`)
    if (value.kind === 'output') written += Buffer.from(value.bytes).toString()
    if (typeof what === 'string' ? value.kind === what : what.test(written)) return value
  }
}

function cut({ app }: TestServer) {
  for (const socket of app.websocketServer.clients) socket.terminate()
}

test('a shell is typed into and read, and its exit code is the last that is told', async () => {
  const { client, id, wish: options } = await openClient()
  const { events, write: type } = client.shell(id, options)
  expect(await until(events, 'connected')).toMatchObject({ resumed: false })
  type('echo $((6*7)); exit 3\n')
  await until(events, /^42\r$/m)
  expect(await until(events, 'ended')).toEqual({ kind: 'ended', exit_code: 3 })
  expect(await events[Symbol.asyncIterator]().next()).toMatchObject({ done: true })
})

test('a connection that is cut is told, and the same shell goes on', async () => {
  const testServer = await openClient()
  const { events, write: type, resize } = testServer.client.shell(testServer.id, testServer.wish)
  await until(events, 'connected')
  type('mine=kept; echo rea""dy\n')
  await until(events, /^ready\r$/m)
  cut(testServer)
  await until(events, 'disconnected')
  resize({ columns: 61, rows: 17 })
  expect(await until(events, 'connected')).toMatchObject({ resumed: true })
  type('echo it is $mine; stty size\n')
  await until(events, /^it is kept\r\n17 61\r$/m)
})

test('a shell that is taken over says so, and does not take itself back', async () => {
  const { client, id, wish: options } = await openClient()
  const first = client.shell(id, options)
  const connected = await until(first.events, 'connected')
  const session = connected.kind === 'connected' ? connected.session : ''
  const second = client.shell(id, { ...options, session })
  expect(await until(second.events, 'connected')).toEqual({ kind: 'connected', session, resumed: true })
  expect(await until(first.events, 'taken-over')).toEqual({ kind: 'taken-over' })
  expect(await first.events[Symbol.asyncIterator]().next()).toMatchObject({ done: true })
})

test('a shell that is refused says why', async () => {
  const { inject, client, id, waitFor: waitForWorkspace, wish: options } = await openClient()
  await inject('POST', `/api/v1/workspaces/${id}/stop`)
  await waitForWorkspace(id, ({ status }) => status === 'stopped')
  await expect(until(client.shell(id, options).events, 'connected')).rejects.toMatchObject({
    status: 409,
    code: 'refused-in-state',
    state: 'stopped.idle',
  })
})

test('a workspace that is stopped has ended its shell, and says so', async () => {
  const testServer = await openClient()
  const { events } = testServer.client.shell(testServer.id, testServer.wish)
  await until(events, 'connected')
  await testServer.inject('POST', `/api/v1/workspaces/${testServer.id}/stop`)
  expect(await until(events, 'ended')).toMatchObject({ error: 'The workspace was stopped.' })
})

test('a shell that is left goes on, and one that is hung up does not', async () => {
  const { client, id, over: finished, wish: options } = await openClient()
  const detached = client.shell(id, options)
  const connected = await until(detached.events, 'connected')
  const session = connected.kind === 'connected' ? connected.session : ''
  detached.write('mine=kept; echo rea""dy\n')
  await until(detached.events, /^ready\r$/m)
  finished.abort()
  expect(await detached.events[Symbol.asyncIterator]().next()).toMatchObject({ done: true })
  const { signal } = new AbortController()
  const again = client.shell(id, { ...options, signal, session })
  await until(again.events, 'connected')
  again.write('trap "touch hung-up; exit" HUP; echo $mine; while :; do sleep 0.01; done\n')
  await until(again.events, /^kept\r$/m)
  again.hangUp()
  const other = client.shell(id, { ...options, signal })
  await until(other.events, 'connected')
  other.write('until [ -e hung-up ]; do sleep 0.01; done; echo se""en\n')
  await until(other.events, /^seen\r$/m)
})

test('what a client does not read is not collected: the shell is held up', async () => {
  const { client, id, wish: options } = await openClient()
  const sockets: WebSocket[] = []
  const connect = (url: string) => {
    const socket = new WebSocket(url)
    sockets.push(socket)
    return socket
  }
  const { events, write: type } = client.shell(id, { ...options, connect })
  await until(events, 'connected')
  type('yes\n')
  await until(events, /y\r\ny\r\n/)
  // The client tells nobody that it holds the socket up.
  while (sockets[0]?.isPaused !== true) await new Promise((resolve) => setTimeout(resolve, 5))
  type(Uint8Array.of(3))
  await until(events, /\^C/)
})
