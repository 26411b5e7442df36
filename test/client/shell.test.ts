import { expect, test } from 'vitest'
import { WebSocket } from 'ws'
import type { ShellEvent, ShellWish } from '../../src/client/client.ts'
import { apiClient } from '../../src/client/client.ts'
import type { World } from '../http/world.ts'
import { openWorld } from '../http/world.ts'

async function up() {
  const world = await openWorld({ real: true })
  const { id } = await world.make()
  await world.until(id, ({ status }) => status === 'running')
  const port = await world.listen()
  const client = apiClient({ url: `http://127.0.0.1:${port}`, user: 'alice' })
  const over = new AbortController()
  const wish: ShellWish = { columns: 80, rows: 24, connect: (url) => new WebSocket(url), signal: over.signal }
  return { ...world, id, client, over, wish }
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

function cut({ app }: World) {
  for (const socket of app.websocketServer.clients) socket.terminate()
}

test('a shell is typed into and read, and its exit code is the last that is told', async () => {
  const { client, id, wish } = await up()
  const { events, type } = client.shell(id, wish)
  expect(await until(events, 'connected')).toMatchObject({ resumed: false })
  type('echo $((6*7)); exit 3\n')
  await until(events, /^42\r$/m)
  expect(await until(events, 'ended')).toEqual({ kind: 'ended', exit_code: 3 })
  expect(await events[Symbol.asyncIterator]().next()).toMatchObject({ done: true })
})

test('a connection that is cut is told, and the same shell goes on', async () => {
  const world = await up()
  const { events, type, resize } = world.client.shell(world.id, world.wish)
  await until(events, 'connected')
  type('mine=kept; echo rea""dy\n')
  await until(events, /^ready\r$/m)
  cut(world)
  await until(events, 'lost')
  resize({ columns: 61, rows: 17 })
  expect(await until(events, 'connected')).toMatchObject({ resumed: true })
  type('echo it is $mine; stty size\n')
  await until(events, /^it is kept\r\n17 61\r$/m)
})

test('a shell that is taken over says so, and does not take itself back', async () => {
  const { client, id, wish } = await up()
  const first = client.shell(id, wish)
  const connected = await until(first.events, 'connected')
  const session = connected.kind === 'connected' ? connected.session : ''
  const second = client.shell(id, { ...wish, session })
  expect(await until(second.events, 'connected')).toEqual({ kind: 'connected', session, resumed: true })
  expect(await until(first.events, 'taken-over')).toEqual({ kind: 'taken-over' })
  expect(await first.events[Symbol.asyncIterator]().next()).toMatchObject({ done: true })
})

test('a shell that is refused says why', async () => {
  const { ask, client, id, until: untilShown, wish } = await up()
  await ask('POST', `/api/v1/workspaces/${id}/stop`)
  await untilShown(id, ({ status }) => status === 'stopped')
  await expect(until(client.shell(id, wish).events, 'connected')).rejects.toMatchObject({
    status: 409,
    code: 'refused-in-state',
    state: 'stopped.idle',
  })
})

test('a workspace that is stopped has ended its shell, and says so', async () => {
  const world = await up()
  const { events } = world.client.shell(world.id, world.wish)
  await until(events, 'connected')
  await world.ask('POST', `/api/v1/workspaces/${world.id}/stop`)
  expect(await until(events, 'ended')).toMatchObject({ error: 'The workspace was stopped.' })
})

test('a shell that is left goes on, and one that is hung up does not', async () => {
  const { client, id, over, wish } = await up()
  const left = client.shell(id, wish)
  const connected = await until(left.events, 'connected')
  const session = connected.kind === 'connected' ? connected.session : ''
  left.type('mine=kept; echo rea""dy\n')
  await until(left.events, /^ready\r$/m)
  over.abort()
  expect(await left.events[Symbol.asyncIterator]().next()).toMatchObject({ done: true })
  const { signal } = new AbortController()
  const again = client.shell(id, { ...wish, signal, session })
  await until(again.events, 'connected')
  again.type('trap "touch hung-up; exit" HUP; echo $mine; while :; do sleep 0.01; done\n')
  await until(again.events, /^kept\r$/m)
  again.hangUp()
  const other = client.shell(id, { ...wish, signal })
  await until(other.events, 'connected')
  other.type('until [ -e hung-up ]; do sleep 0.01; done; echo se""en\n')
  await until(other.events, /^seen\r$/m)
})

test('what a client does not read is not collected: the shell is held up', async () => {
  const { client, id, wish } = await up()
  const sockets: WebSocket[] = []
  const connect = (url: string) => {
    const socket = new WebSocket(url)
    sockets.push(socket)
    return socket
  }
  const { events, type } = client.shell(id, { ...wish, connect })
  await until(events, 'connected')
  type('yes\n')
  await until(events, /y\r\ny\r\n/)
  // The client tells nobody that it holds the socket up.
  while (sockets[0]?.isPaused !== true) await new Promise((resolve) => setTimeout(resolve, 5))
  type(Uint8Array.of(3))
  await until(events, /\^C/)
})
