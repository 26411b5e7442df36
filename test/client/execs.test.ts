import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import type { Exec, ExecEvent } from '../../src/client/client.ts'
import { apiClient } from '../../src/client/client.ts'
import type { TestServerOptions } from '../http/test-server.ts'
import { openTestServer } from '../http/test-server.ts'
import { collect } from './collect.ts'
import { flakyConnection } from './flaky-connection.ts'

/** A workspace that runs for real, and a client whose line to it can be cut. */
async function openClient(options: TestServerOptions = {}) {
  const { listen, createWorkspace, waitFor } = await openTestServer({ realProcesses: true, ...options })
  const { id } = await createWorkspace()
  await waitFor(id, ({ status }) => status === 'running')
  const port = await listen()
  const line = await flakyConnection(port)
  const clientAt = (at: number) => apiClient({ url: `http://127.0.0.1:${at}`, user: 'alice' })
  return { id, cut: line.cut, client: clientAt(line.port), other: clientAt(port) }
}

const isOutput = (event: ExecEvent) => event.kind === 'output'
const textOf = (events: readonly ExecEvent[]) =>
  Buffer.concat(events.filter(isOutput).map(({ bytes }) => bytes)).toString()

test('the output of a command comes as it was written, and then its exit code', async () => {
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

test('a run outlives a connection that is cut again and again, without a gap or a repeat', async () => {
  const { client, cut, id, other } = await openClient()
  // It writes each number when it is told to, so that every cut falls between two of them.
  const script = 'i=0; while [ $i -lt 5 ]; do i=$((i+1)); echo $i; until [ -e go$i ]; do sleep 0.02; done; done'
  const { events } = client.exec(id, { command: script })
  const all: ExecEvent[] = []
  for await (const event of events) {
    all.push(event)
    if (event.kind !== 'output') continue
    cut()
    await collect(other.exec(id, { command: ['touch', `go${textOf([event]).trim()}`] }).events)
  }
  expect(textOf(all)).toBe('1\n2\n3\n4\n5\n')
  const kinds = all.map((event) => (event.kind === 'connected' ? `connected ${event.resumed}` : event.kind))
  expect(kinds.filter((kind) => kind === 'disconnected')).toHaveLength(5)
  expect(kinds.filter((kind) => kind === 'connected true')).toHaveLength(5)
  expect(all.at(-1)).toMatchObject({ kind: 'ended', exit_code: 0 })
})

test('what was too much while the connection was away is told as missing, to the byte, and the run is followed to its end', async () => {
  const { client, cut, id, other } = await openClient()
  const script = 'head -c 100000 /dev/zero; until [ -e go ]; do sleep 0.02; done; head -c 5000000 /dev/urandom; exit 7'
  const { events, execId } = client.exec(id, { command: script })
  const all: ExecEvent[] = []
  const bytes = () => all.reduce((sum, event) => sum + (event.kind === 'output' ? event.bytes.length : 0), 0)
  for await (const event of events) {
    all.push(event)
    if (event.kind !== 'output' || bytes() !== 100_000) continue
    cut()
    await collect(other.exec(id, { command: ['touch', 'go'] }).events)
    await expect
      .poll(() => other.listExecs(id))
      .toContainEqual(expect.objectContaining({ exec_id: execId, status: 'ended' }))
  }
  const missing = all.filter((event) => event.kind === 'dropped').map((event) => event.bytes)
  expect(missing).toHaveLength(1)
  expect(bytes() + (missing[0] ?? 0)).toBe(5_100_000)
  expect(bytes()).toBeGreaterThan(100_000)
  expect(all.at(-1)).toMatchObject({ kind: 'ended', exit_code: 7 })
  await expect(collect(other.attach(id, execId, { after: 1 }).events)).rejects.toMatchObject({ code: 'output-gone' })
})

test.each(['output', 'connected'] as const)(
  'output that is forgotten while the connection is away, after %s, is no success',
  async (after) => {
    const { client, cut, id, other } = await openClient({ exec: { timeouts: { retentionMs: 0 } } })
    const writes = after === 'output' ? 'echo there; ' : ''
    const { events, execId } = client.exec(id, { command: `${writes}until [ -e go ]; do sleep 0.02; done; echo done` })
    const kinds: string[] = []
    const read = async () => {
      for await (const event of events) {
        kinds.push(event.kind)
        if (event.kind !== after || kinds.includes('disconnected')) continue
        cut()
        await collect(other.exec(id, { command: ['touch', 'go'] }).events)
        const outputEvents = () => collect(other.attach(id, execId).events).then((all) => all.filter(isOutput))
        await expect.poll(outputEvents).toEqual([])
      }
    }
    await expect(read()).rejects.toMatchObject({ status: 410, code: 'output-gone' })
    expect(kinds).not.toContain('ended')
  },
)

test('input of any length is streamed, and comes back byte for byte', async () => {
  const { client, id } = await openClient()
  const [sent, got] = [createHash('sha256'), createHash('sha256')]
  async function* input() {
    for (let count = 0; count < 200; count++) {
      const chunk = Buffer.from(Array.from({ length: 50_000 }, (_, at) => (at * count) % 256))
      sent.update(chunk)
      yield chunk
    }
  }
  for await (const event of client.exec(id, { command: ['cat'], stdin: input() }).events)
    if (event.kind === 'output') got.update(event.bytes)
  expect(got.digest('hex')).toBe(sent.digest('hex'))
})

test.each<[text: string, stdin: string | Uint8Array]>([
  ['the word stream', 'stream'],
  ['bytes that are no text', Uint8Array.of(0, 255, 128, 10)],
])('%s is input like any other', async (_text, stdin) => {
  const { client, id } = await openClient()
  const all = await collect(client.exec(id, { command: ['cat'], stdin }).events)
  expect(Buffer.concat(all.filter(isOutput).map(({ bytes }) => bytes))).toEqual(Buffer.from(stdin))
})

test('a command that does not read its input ends all the same, and the input is let go', async () => {
  const { client, id } = await openClient()
  const input = new PassThrough()
  const closed = once(input, 'close')
  input.write('more than it wants')
  const all = await collect(client.exec(id, { command: ['true'], stdin: input }).events)
  expect(all.at(-1)).toMatchObject({ kind: 'ended', exit_code: 0 })
  input.destroy()
  await closed
})

async function firstOutput({ events }: Exec): Promise<void> {
  for await (const event of events) if (event.kind === 'output') return
}

test('who leaves a run leaves it running, finds it in the list, and can come back and end it', async () => {
  const { client, id } = await openClient()
  const begun = client.exec(id, { command: ['sh', '-c', 'echo there; exec sleep 100'], execId: 'kept' })
  await firstOutput(begun)
  expect(await client.listExecs(id)).toMatchObject([{ exec_id: 'kept', status: 'running' }])
  const again = client.attach(id, 'kept')
  const all: ExecEvent[] = []
  for await (const event of again.events) {
    all.push(event)
    if (event.kind === 'output') await again.kill('SIGKILL')
  }
  expect(textOf(all)).toBe('there\n')
  expect(all.at(-1)).toMatchObject({ kind: 'ended', signal: 'SIGKILL' })
  await client.kill(id, 'kept') // it has ended: no failure
})

test('the same id again is the same run, and runs nothing', async () => {
  const { client, id } = await openClient()
  const request = { command: 'echo x >> ran; wc -l < ran', execId: 'once' }
  for (const _ of [1, 2]) expect(textOf(await collect(client.exec(id, request).events)).trim()).toBe('1')
})

test('a command that cannot be run rejects with the reason, and so does a workspace that does not run', async () => {
  const { client, id } = await openClient()
  await expect(collect(client.attach(id, 'nothing').events)).rejects.toMatchObject({ code: 'exec-not-found' })
  await client.stop(id)
  await client.waitUntil(id, ({ state }) => state === 'stopped.idle', new AbortController().signal)
  await expect(collect(client.exec(id, { command: ['true'] }).events)).rejects.toMatchObject({
    status: 409,
    state: 'stopped.idle',
  })
})

test('events end when the signal is aborted', async () => {
  const { client, id } = await openClient()
  const leave = new AbortController()
  const { events } = client.exec(id, { command: ['sleep', '100'], signal: leave.signal })
  for await (const event of events) if (event.kind === 'connected') leave.abort()
  expect(await client.listExecs(id)).toMatchObject([{ status: 'running' }])
})

test('a command is begun once, though the connection that was kept for later has died', async () => {
  const { client, cut, id } = await openClient()
  await client.get(id)
  cut()
  const all = await collect(client.exec(id, { command: 'echo x >> ran; wc -l < ran' }).events)
  expect(textOf(all).trim()).toBe('1')
})
