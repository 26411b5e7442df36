import type { IncomingMessage } from 'node:http'
import { request } from 'node:http'
import { createInterface } from 'node:readline'
import { expect, onTestFinished, test } from 'vitest'
import { logLineSchema } from '../../../src/wire/runtime/log.ts'
import { openTestServer } from '../test-server.ts'

const list = '/api/v1/workspaces'

const strictLogLineSchema = logLineSchema.strict()

/** The lines of a response, each checked against its schema. */
function linesOf({ body }: { body: string }) {
  return body
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const parsed: unknown = JSON.parse(line)
      return strictLogLineSchema.parse(parsed)
    })
}

const textOf = (response: { body: string }) => linesOf(response).map(({ data }) => data)

/** A workspace whose setup has ended, with the given `postCreateCommand`. */
async function createWithCommand(postCreate: string) {
  const testServer = await openTestServer({ realProcesses: true, postCreate })
  const { id } = await testServer.createWorkspace()
  await testServer.waitFor(id, ({ status }) => status !== 'creating')
  return { ...testServer, id, logs: (query = '') => testServer.inject('GET', `${list}/${id}/logs${query}`) }
}

/** The lines without the empty ones, which only keep the connection alive. */
async function* withoutKeepAlive(lines: AsyncIterable<string>) {
  for await (const line of lines) if (line !== '') yield line
}

/** Follows a log as a client does. */
async function follow(port: number, id: string, query = '') {
  const clientRequest = request({
    host: '127.0.0.1',
    port,
    path: `${list}/${id}/logs?follow=true${query}`,
    headers: { host: 'localhost', 'x-user': 'alice' },
  })
  onTestFinished(() => void clientRequest.destroy())
  clientRequest.end()
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    clientRequest.once('response', resolve)
    clientRequest.once('error', reject)
  })
  const lines = withoutKeepAlive(createInterface({ input: response }))
  return {
    leave: () => clientRequest.destroy(),
    /** The next line; `undefined` if it was the last. */
    async next() {
      const { value } = await lines.next()
      return value === undefined ? undefined : logLineSchema.parse(JSON.parse(value)).data
    },
    /** Reads to the end. Only the main process may write more, about its own exit. */
    async end() {
      for await (const line of lines) expect(logLineSchema.parse(JSON.parse(line)).source).toBe('main')
    },
  }
}

test('the log has the output of a lifecycle command, with its name and time', async () => {
  const { logs } = await createWithCommand('echo one; echo two >&2; printf three')
  const response = await logs()
  expect(response.headers['content-type']).toBe('application/x-ndjson')
  expect(textOf(response)).toEqual(['one', 'two', 'three'])
  for (const { source, at } of linesOf(response)) {
    expect(source).toBe('postCreateCommand')
    expect(Math.abs(Date.parse(String(at)) - Date.now())).toBeLessThan(60_000)
  }
})

test('a followed log responds before anything is written', async () => {
  const { listen, id, inject } = await createWithCommand('true')
  const { end } = await follow(await listen(), id)
  await inject('POST', `${list}/${id}/stop`)
  await end()
})

test('the log of a workspace whose setup failed can be read', async () => {
  const { logs, inject, id } = await createWithCommand('echo it is broken; exit 3')
  expect((await inject('GET', `${list}/${id}`)).json()).toMatchObject({ status: 'failed' })
  expect(textOf(await logs())).toEqual(['it is broken'])
  expect(textOf(await logs('?follow=true'))).toEqual(['it is broken'])
})

test('output that is not UTF-8 is base64, and marked as such', async () => {
  const { logs } = await createWithCommand(String.raw`printf '\377\0\n\303\244\n'`)
  expect(linesOf(await logs())).toMatchObject([{ data: '/wA=', encoding: 'base64' }, { data: 'ä' }])
})

test('a long line is split into marked parts, never within a character', async () => {
  const { logs } = await createWithCommand(`head -c 40000 /dev/zero | sed 's/./ä/g'; echo; echo short`)
  const lines = linesOf(await logs())
  expect(lines.every(({ encoding }) => encoding === undefined)).toBe(true)
  expect(lines.every(({ data }) => Buffer.byteLength(data) <= 16 * 1024)).toBe(true)
  expect(lines.map(({ cut }) => cut ?? false)).toEqual([...lines.slice(2).map(() => true), false, false])
  expect(
    lines
      .map(({ data }) => data)
      .join('|')
      .replaceAll('|', ''),
  ).toBe(`${'ä'.repeat(40_000)}short`)
})

test('tail limits the log to the last lines', async () => {
  const { logs } = await createWithCommand('seq 1000')
  expect(textOf(await logs('?tail=3'))).toEqual(['998', '999', '1000'])
  expect(textOf(await logs('?tail=0'))).toEqual([])
  expect(textOf(await logs('?tail=5000'))).toHaveLength(1000)
})

test('since omits lines that were written earlier', async () => {
  const { logs } = await createWithCommand('echo early; sleep 0.5; echo late')
  const [early, late] = linesOf(await logs())
  expect(Date.parse(String(late?.at))).toBeGreaterThan(Date.parse(String(early?.at)))
  expect(textOf(await logs(`?since=${late?.at}`))).toEqual(['late'])
})

test('the log retains the newest part of a large output', async () => {
  const { logs, database } = await createWithCommand('seq 100000')
  const lines = textOf(await logs())
  expect(lines.at(-1)).toBe('100000')
  expect(lines.length).toBeGreaterThan(20_000)
  const bytes = database.db.prepare('SELECT sum(length(data)) FROM lifecycle_output').pluck().get()
  expect(bytes).toBeLessThanOrEqual(256 * 1024)
  expect(bytes).toBeGreaterThan(128 * 1024)
})

test('a running setup can be followed, until its workspace is deleted', async () => {
  const { listen, createWorkspace, waitFor, inject } = await openTestServer({
    realProcesses: true,
    postCreate: 'echo waiting; until [ -e go ]; do sleep 0.05; done; echo done',
  })
  const port = await listen()
  const { id } = await createWorkspace()
  await waitFor(id, ({ state }) => state === 'creating.setup')
  const log = await follow(port, id)
  expect(await log.next()).toBe('waiting')
  await inject('DELETE', `${list}/${id}`)
  await log.end()
})

test('following ends when the workspace is stopped', async () => {
  const { id, listen, inject } = await createWithCommand('echo hello')
  const log = await follow(await listen(), id)
  expect(await log.next()).toBe('hello')
  await inject('POST', `${list}/${id}/stop`)
  await log.end()
})

test('a followed log does not delay a shutdown, and ends with it', async () => {
  const { id, listen, app } = await createWithCommand('echo hello')
  const log = await follow(await listen(), id)
  expect(await log.next()).toBe('hello')
  await app.close()
  expect(await log.next()).toBeUndefined()
})

test('a delete of a workspace also deletes the output of its lifecycle commands', async () => {
  const { inject, database, id, logs } = await createWithCommand('echo hello')
  await inject('DELETE', `${list}/${id}`)
  expect((await logs()).statusCode).toBe(404)
  expect(database.db.prepare('SELECT count(*) FROM lifecycle_output').pluck().get()).toBe(0)
})

test('a setup succeeds even if its output cannot be stored', async () => {
  const testServer = await openTestServer({ realProcesses: true, postCreate: 'echo one; sleep 1.2; echo two' })
  testServer.database.db.exec(
    `CREATE TRIGGER full BEFORE INSERT ON lifecycle_output BEGIN SELECT RAISE(ABORT, 'full'); END`,
  )
  const { id } = await testServer.createWorkspace()
  const { status } = await testServer.waitFor(id, (workspace) => workspace.status !== 'creating')
  expect(status).toBe('running')
  expect(testServer.logged.filter((line) => line.includes('cannot be stored'))).toHaveLength(1)
})

test.each(['?since=yesterday', '?tail=-1', '?tail=x', '?follow=maybe'])(
  'a log request with %s is rejected',
  async (query) => {
    const { logs } = await createWithCommand('true')
    expect((await logs(query)).statusCode).toBe(400)
  },
)
