import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import type { Exec, ExecEvent } from '../../src/client/client.ts'
import type { TestServerOptions } from '../http/test-server.ts'
import { openTestServer } from '../http/test-server.ts'
import { collect } from './collect.ts'
import { flakyConnection } from './flaky-connection.ts'
import { testClient } from './test-client.ts'

/** A workspace of real processes, a client whose connections can be cut, and one with a direct connection. */
async function openClient(options: TestServerOptions = {}) {
  const { listen, createWorkspace, waitFor } = await openTestServer({ realProcesses: true, ...options })
  const { id } = await createWorkspace()
  await waitFor(id, ({ status }) => status === 'running')
  const port = await listen()
  const { port: flakyPort, cut } = await flakyConnection(port)
  return { id, cut, client: testClient(flakyPort), directClient: testClient(port) }
}

const isOutput = (event: ExecEvent) => event.kind === 'output'
const textOf = (events: readonly ExecEvent[]) =>
  Buffer.concat(events.filter(isOutput).map(({ bytes }) => bytes)).toString()

test('the output of a command arrives unchanged, followed by its exit code', async () => {
  const { client, id } = await openClient()
  const { events } = client.exec(id, { command: ['sh', '-c', 'printf "$A\\n"; echo b >&2; exit 3'], env: { A: 'ä' } })
  const all = await collect(events)
  expect(all[0]).toEqual({ kind: 'connected', resumed: false })
  expect(
    all
      .filter(isOutput)
      .map(({ stream }) => stream)
      .sort(),
  ).toEqual(['stderr', 'stdout'])
  expect(textOf(all)).toContain('ä\n')
  expect(all.at(-1)).toMatchObject({ kind: 'ended', exit_code: 3 })
})

test('an exec session survives repeated disconnects without gaps or duplicates', async () => {
  const { client, cut, id, directClient } = await openClient()
  // Each number is written only after a go-ahead, so that every cut falls between two of them.
  const script = 'i=0; while [ $i -lt 5 ]; do i=$((i+1)); echo $i; until [ -e go$i ]; do sleep 0.02; done; done'
  const { events } = client.exec(id, { command: script })
  const all: ExecEvent[] = []
  for await (const event of events) {
    all.push(event)
    if (event.kind !== 'output') continue
    cut()
    await collect(directClient.exec(id, { command: ['touch', `go${textOf([event]).trim()}`] }).events)
  }
  expect(textOf(all)).toBe('1\n2\n3\n4\n5\n')
  const kinds = all.map((event) => (event.kind === 'connected' ? `connected ${event.resumed}` : event.kind))
  expect(kinds.filter((kind) => kind === 'disconnected')).toHaveLength(5)
  expect(kinds.filter((kind) => kind === 'connected true')).toHaveLength(5)
  expect(all.at(-1)).toMatchObject({ kind: 'ended', exit_code: 0 })
})

test('output that overflows the buffer while disconnected is reported as dropped, to the byte', async () => {
  const { client, cut, id, directClient } = await openClient()
  const script = 'head -c 100000 /dev/zero; until [ -e go ]; do sleep 0.02; done; head -c 5000000 /dev/urandom; exit 7'
  const { events, execId } = client.exec(id, { command: script })
  const all: ExecEvent[] = []
  const bytes = () => all.reduce((sum, event) => sum + (event.kind === 'output' ? event.bytes.length : 0), 0)
  for await (const event of events) {
    all.push(event)
    if (event.kind !== 'output' || bytes() !== 100_000) continue
    cut()
    await collect(directClient.exec(id, { command: ['touch', 'go'] }).events)
    await expect
      .poll(() => directClient.listExecs(id))
      .toContainEqual(expect.objectContaining({ exec_id: execId, status: 'ended' }))
  }
  const missing = all.filter((event) => event.kind === 'dropped').map((event) => event.bytes)
  expect(missing).toHaveLength(1)
  expect(bytes() + (missing[0] ?? 0)).toBe(5_100_000)
  expect(bytes()).toBeGreaterThan(100_000)
  expect(all.at(-1)).toMatchObject({ kind: 'ended', exit_code: 7 })
  await expect(collect(directClient.attach(id, execId, { after: 1 }).events)).rejects.toMatchObject({
    code: 'output-gone',
  })
})

test.each(['output', 'connected'] as const)(
  'output that expires while disconnected, after %s, is an error',
  async (after) => {
    const { client, cut, id, directClient } = await openClient({ exec: { timeouts: { retentionMs: 0 } } })
    const writes = after === 'output' ? 'echo there; ' : ''
    const { events, execId } = client.exec(id, { command: `${writes}until [ -e go ]; do sleep 0.02; done; echo done` })
    const kinds: string[] = []
    const read = async () => {
      for await (const event of events) {
        kinds.push(event.kind)
        if (event.kind !== after || kinds.includes('disconnected')) continue
        cut()
        await collect(directClient.exec(id, { command: ['touch', 'go'] }).events)
        const outputEvents = () => collect(directClient.attach(id, execId).events).then((all) => all.filter(isOutput))
        await expect.poll(outputEvents).toEqual([])
      }
    }
    await expect(read()).rejects.toMatchObject({ status: 410, code: 'output-gone' })
    expect(kinds).not.toContain('ended')
  },
)

test('input is streamed byte for byte', async () => {
  const { client, id } = await openClient()
  const [sent, received] = [createHash('sha256'), createHash('sha256')]
  async function* input() {
    for (let count = 0; count < 200; count++) {
      const chunk = Buffer.from(Array.from({ length: 50_000 }, (_, at) => (at * count) % 256))
      sent.update(chunk)
      yield chunk
    }
  }
  for await (const event of client.exec(id, { command: ['cat'], stdin: input() }).events)
    if (event.kind === 'output') received.update(event.bytes)
  expect(received.digest('hex')).toBe(sent.digest('hex'))
})

test.each<[text: string, stdin: string | Uint8Array]>([
  ['the text "stream"', 'stream'],
  ['invalid UTF-8', Uint8Array.of(0, 255, 128, 10)],
])('%s is passed on as input', async (_text, stdin) => {
  const { client, id } = await openClient()
  const all = await collect(client.exec(id, { command: ['cat'], stdin }).events)
  expect(Buffer.concat(all.filter(isOutput).map(({ bytes }) => bytes))).toEqual(Buffer.from(stdin))
})

test('a command that does not read its input ends, and the input stream is released', async () => {
  const { client, id } = await openClient()
  const input = new PassThrough()
  const closed = once(input, 'close')
  input.write('unread')
  const all = await collect(client.exec(id, { command: ['true'], stdin: input }).events)
  expect(all.at(-1)).toMatchObject({ kind: 'ended', exit_code: 0 })
  input.destroy()
  await closed
})

async function firstOutput({ events }: Exec): Promise<void> {
  for await (const event of events) if (event.kind === 'output') return
}

test('an exec session goes on when its reader leaves, is listed, and can be attached to and killed', async () => {
  const { client, id } = await openClient()
  const exec = client.exec(id, { command: ['sh', '-c', 'echo there; exec sleep 100'], execId: 'detached' })
  await firstOutput(exec)
  expect(await client.listExecs(id)).toMatchObject([{ exec_id: 'detached', status: 'running' }])
  const attached = client.attach(id, 'detached')
  const all: ExecEvent[] = []
  for await (const event of attached.events) {
    all.push(event)
    if (event.kind === 'output') await attached.kill('SIGKILL')
  }
  expect(textOf(all)).toBe('there\n')
  expect(all.at(-1)).toMatchObject({ kind: 'ended', signal: 'SIGKILL' })
  await client.kill(id, 'detached') // succeeds although the command has ended
})

test('repeating an exec id attaches to the session and runs nothing', async () => {
  const { client, id } = await openClient()
  const request = { command: 'echo x >> ran; wc -l < ran', execId: 'once' }
  for (const _ of [1, 2]) expect(textOf(await collect(client.exec(id, request).events)).trim()).toBe('1')
})

test('an unknown exec session and a stopped workspace are refused with a reason', async () => {
  const { client, id } = await openClient()
  await expect(collect(client.attach(id, 'nothing').events)).rejects.toMatchObject({ code: 'exec-not-found' })
  await client.stop(id)
  await client.waitUntil(id, ({ status, settled }) => status === 'stopped' && settled, new AbortController().signal)
  await expect(collect(client.exec(id, { command: ['true'] }).events)).rejects.toMatchObject({
    status: 409,
    state: 'stopped.idle',
  })
})

test('events end when the signal is aborted', async () => {
  const { client, id } = await openClient()
  const detach = new AbortController()
  const { events } = client.exec(id, { command: ['sleep', '100'], signal: detach.signal })
  for await (const event of events) if (event.kind === 'connected') detach.abort()
  expect(await client.listExecs(id)).toMatchObject([{ status: 'running' }])
})

test('a command starts once, although the pooled connection has died', async () => {
  const { client, cut, id } = await openClient()
  await client.get(id)
  cut()
  const all = await collect(client.exec(id, { command: 'echo x >> ran; wc -l < ran' }).events)
  expect(textOf(all).trim()).toBe('1')
})
