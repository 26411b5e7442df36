import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { openTestServer } from '../http/test-server.ts'
import { collect } from './collect.ts'
import { testClient } from './test-client.ts'

test('the client creates, stops, starts, updates and deletes a workspace', async () => {
  const { listen, waitFor } = await openTestServer()
  const client = testClient(await listen())
  const { id } = await client.create({ name: 'one' })
  await waitFor(id, ({ status }) => status === 'running')
  expect((await client.stop(id)).status).toBe('running')
  await waitFor(id, ({ status, settled }) => status === 'stopped' && settled)
  await client.start(id)
  await waitFor(id, ({ ready }) => ready)
  expect((await client.update(id, { ttl_seconds: 60 })).ttl_seconds).toBe(60)
  await client.delete(id)
  await expect(client.get(id)).rejects.toMatchObject({ status: 404, code: 'workspace-not-found' })
  const [lines] = await collect(client.history(id))
  expect(lines?.at(-1)?.to).toBe('deleted')
})

test('a list longer than a page is read to its end, without duplicates', async () => {
  const { listen, createWorkspace } = await openTestServer()
  const names = Array.from({ length: 205 }, (_, index) => `w${index}`)
  for (const name of names) await createWorkspace({ name })
  const pages = await collect(testClient(await listen()).list())
  expect(pages.map(({ length }) => length)).toEqual([100, 105])
  expect(new Set(pages.flat().map(({ name }) => name))).toEqual(new Set(names))
})

test('a command that the workspace does not accept is refused with its state', async () => {
  const { listen, createWorkspace, waitFor } = await openTestServer()
  const { id } = await createWorkspace()
  await waitFor(id, ({ ready }) => ready)
  await expect(testClient(await listen()).start(id)).rejects.toMatchObject({ status: 409, state: 'running.up' })
})

test('isOperator is true for operators only', async () => {
  const { listen } = await openTestServer()
  const port = await listen()
  expect(await testClient(port).isOperator()).toBe(false)
  expect(await testClient(port, 'root').isOperator()).toBe(true)
})

test('a service that does not answer is reported as unreachable', async () => {
  const { app, listen } = await openTestServer()
  const client = testClient(await listen())
  await app.close()
  await expect(client.templates()).rejects.toMatchObject({ status: 0, code: 'unreachable' })
})

/** A proxy that resets the connection instead of forwarding the first response. */
async function losingFirstResponse(port: number): Promise<number> {
  let hasReset = false
  const server = createServer((downstream) => {
    const upstream = connect(port, '127.0.0.1')
    downstream.pipe(upstream)
    upstream.on('data', (data) => {
      if (hasReset) downstream.write(data)
      else downstream.resetAndDestroy()
      hasReset = true
    })
    downstream.on('error', () => upstream.destroy())
    downstream.on('close', () => upstream.destroy())
    upstream.on('error', () => downstream.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const address = server.address()
  return typeof address === 'object' ? (address?.port ?? 0) : 0
}

test('a create is repeated after a lost response and creates one workspace', async () => {
  const { listen } = await openTestServer()
  const port = await listen()
  const { id } = await testClient(await losingFirstResponse(port)).create({ name: 'one' })
  expect((await collect(testClient(port).list())).flat()).toMatchObject([{ id, name: 'one' }])
})

test('a command whose response is lost is reported as cut off, since it may have been executed', async () => {
  const { listen, createWorkspace, waitFor } = await openTestServer()
  const port = await listen()
  const { id } = await createWorkspace()
  await waitFor(id, ({ ready }) => ready)
  const stopped = testClient(await losingFirstResponse(port)).stop(id)
  await expect(stopped).rejects.toMatchObject({ status: 0, code: 'cut-off' })
  await waitFor(id, ({ status, settled }) => status === 'stopped' && settled)
})
