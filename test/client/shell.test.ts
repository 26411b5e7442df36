import { expect, test } from 'vitest'
import { WebSocket } from 'ws'
import type { ClientShellOptions, ShellEvent } from '../../src/client/client.ts'
import type { TestServer } from '../http/test-server.ts'
import { openTestServer } from '../http/test-server.ts'
import { testClient } from './test-client.ts'

async function openClient() {
  const testServer = await openTestServer({ realProcesses: true })
  const { id } = await testServer.createWorkspace()
  await testServer.waitFor(id, ({ status }) => status === 'running')
  const client = testClient(await testServer.listen())
  const controller = new AbortController()
  const options: ClientShellOptions = {
    columns: 80,
    rows: 24,
    connect: (url) => new WebSocket(url),
    signal: controller.signal,
  }
  return { ...testServer, id, client, controller, options }
}

/** Reads until an event of this kind, or until the output matches. */
async function until(events: AsyncIterable<ShellEvent>, target: ShellEvent['kind'] | RegExp): Promise<ShellEvent> {
  let output = ''
  // Not `for await`: leaving it would end the events.
  for (const read = events[Symbol.asyncIterator](); ; ) {
    const { done, value } = await read.next()
    if (done === true) throw new Error(`The events ended before ${String(target)}: ${output}`)
    if (value.kind === 'output') output += Buffer.from(value.bytes).toString()
    if (typeof target === 'string' ? value.kind === target : target.test(output)) return value
  }
}

function cut({ app }: TestServer) {
  for (const socket of app.websocketServer.clients) socket.terminate()
}

test('a shell takes input, yields output, and ends with its exit code', async () => {
  const { client, id, options } = await openClient()
  const { events, write } = client.shell(id, options)
  expect(await until(events, 'connected')).toMatchObject({ resumed: false })
  write('echo $((6*7)); exit 3\n')
  await until(events, /^42\r$/m)
  expect(await until(events, 'ended')).toEqual({ kind: 'ended', exit_code: 3 })
  expect(await events[Symbol.asyncIterator]().next()).toMatchObject({ done: true })
})

test('a lost connection is reported, and the same shell continues', async () => {
  const testServer = await openClient()
  const { events, write, resize } = testServer.client.shell(testServer.id, testServer.options)
  await until(events, 'connected')
  write('variable=kept; echo rea""dy\n')
  await until(events, /^ready\r$/m)
  cut(testServer)
  await until(events, 'disconnected')
  resize({ columns: 61, rows: 17 })
  expect(await until(events, 'connected')).toMatchObject({ resumed: true })
  write('echo it is $variable; stty size\n')
  await until(events, /^it is kept\r\n17 61\r$/m)
})

test('a shell that is taken over reports that and does not reconnect', async () => {
  const { client, id, options } = await openClient()
  const first = client.shell(id, options)
  const connected = await until(first.events, 'connected')
  const session = connected.kind === 'connected' ? connected.session : ''
  const second = client.shell(id, { ...options, session })
  expect(await until(second.events, 'connected')).toEqual({ kind: 'connected', session, resumed: true })
  expect(await until(first.events, 'taken-over')).toEqual({ kind: 'taken-over' })
  expect(await first.events[Symbol.asyncIterator]().next()).toMatchObject({ done: true })
})

test('a refused shell rejects with the reason', async () => {
  const { inject, client, id, waitFor: waitForWorkspace, options } = await openClient()
  await inject('POST', `/api/v1/workspaces/${id}/stop`)
  await waitForWorkspace(id, ({ status }) => status === 'stopped')
  await expect(until(client.shell(id, options).events, 'connected')).rejects.toMatchObject({
    status: 409,
    code: 'refused-in-state',
    state: 'stopped.idle',
  })
})

test('stopping a workspace ends its shell with the reason', async () => {
  const testServer = await openClient()
  const { events } = testServer.client.shell(testServer.id, testServer.options)
  await until(events, 'connected')
  await testServer.inject('POST', `/api/v1/workspaces/${testServer.id}/stop`)
  expect(await until(events, 'ended')).toMatchObject({ error: 'The workspace was stopped.' })
})

test('a detached shell goes on, and one that is hung up ends', async () => {
  const { client, id, controller, options } = await openClient()
  const detached = client.shell(id, options)
  const connected = await until(detached.events, 'connected')
  const session = connected.kind === 'connected' ? connected.session : ''
  detached.write('variable=kept; echo rea""dy\n')
  await until(detached.events, /^ready\r$/m)
  controller.abort()
  expect(await detached.events[Symbol.asyncIterator]().next()).toMatchObject({ done: true })
  const { signal } = new AbortController()
  const resumed = client.shell(id, { ...options, signal, session })
  await until(resumed.events, 'connected')
  resumed.write('trap "touch hung-up; exit" HUP; echo $variable; while :; do sleep 0.01; done\n')
  await until(resumed.events, /^kept\r$/m)
  resumed.hangUp()
  const second = client.shell(id, { ...options, signal })
  await until(second.events, 'connected')
  second.write('until [ -e hung-up ]; do sleep 0.01; done; echo se""en\n')
  await until(second.events, /^seen\r$/m)
})

test('unread output suspends the shell instead of filling memory', async () => {
  const { client, id, options } = await openClient()
  const sockets: WebSocket[] = []
  const connect = (url: string) => {
    const socket = new WebSocket(url)
    sockets.push(socket)
    return socket
  }
  const { events, write } = client.shell(id, { ...options, connect })
  await until(events, 'connected')
  write('yes\n')
  await until(events, /y\r\ny\r\n/)
  // Polled: the client has no event for a paused socket.
  while (sockets[0]?.isPaused !== true) await new Promise((resolve) => setTimeout(resolve, 5))
  write(Uint8Array.of(3))
  await until(events, /\^C/)
})
