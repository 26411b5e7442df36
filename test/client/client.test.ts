import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { apiClient } from '../../src/client/client.ts'
import { openTestServer } from '../http/test-server.ts'
import { collect } from './collect.ts'

const clientAt = (port: number, user = 'alice') => apiClient({ url: `http://127.0.0.1:${port}`, user })

test('a workspace is made, commanded and deleted through the client', async () => {
  const { listen, waitFor } = await openTestServer()
  const client = clientAt(await listen())
  const { id } = await client.create({ name: 'one' })
  await waitFor(id, ({ status }) => status === 'running')
  expect((await client.stop(id)).status).toBe('running')
  await waitFor(id, ({ state }) => state === 'stopped.idle')
  await client.start(id)
  await waitFor(id, ({ state }) => state === 'running.up')
  expect((await client.update(id, { ttl_seconds: 60 })).ttl_seconds).toBe(60)
  await client.delete(id)
  await expect(client.get(id)).rejects.toMatchObject({ status: 404, code: 'workspace-not-found' })
  const [lines] = await collect(client.history(id))
  expect(lines?.at(-1)?.to).toBe('deleted')
})

test('a list longer than a page is read to its end, each workspace once', async () => {
  const { listen, createWorkspace } = await openTestServer()
  const names = Array.from({ length: 205 }, (_, index) => `w${index}`)
  for (const name of names) await createWorkspace({ name })
  const pages = await collect(clientAt(await listen()).list())
  expect(pages.map(({ length }) => length)).toEqual([100, 105])
  expect(new Set(pages.flat().map(({ name }) => name))).toEqual(new Set(names))
})

test('a command that does not fit the state is refused with the state', async () => {
  const { listen, createWorkspace, waitFor } = await openTestServer()
  const { id } = await createWorkspace()
  await waitFor(id, ({ state }) => state === 'running.up')
  await expect(clientAt(await listen()).start(id)).rejects.toMatchObject({ status: 409, state: 'running.up' })
})

test('only an operator is told to be one', async () => {
  const { listen } = await openTestServer()
  const port = await listen()
  expect(await clientAt(port).isOperator()).toBe(false)
  expect(await clientAt(port, 'root').isOperator()).toBe(true)
})

test('a service that does not answer is a failure that says so', async () => {
  const { app, listen } = await openTestServer()
  const client = clientAt(await listen())
  await app.close()
  await expect(client.templates()).rejects.toMatchObject({ status: 0, code: 'unreachable' })
})

/** Passes requests on, and hangs up on the first answer. */
async function losingFirstResponse(port: number): Promise<number> {
  let lost = false
  const server = createServer((downstream) => {
    const upstream = connect(port, '127.0.0.1')
    downstream.pipe(upstream)
    upstream.on('data', (data) => {
      if (lost) downstream.write(data)
      else downstream.resetAndDestroy()
      lost = true
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

test('a create whose answer was lost is the same create when it is asked again', async () => {
  const { listen } = await openTestServer()
  const port = await listen()
  const { id } = await clientAt(await losingFirstResponse(port)).create({ name: 'one' })
  expect((await collect(clientAt(port).list())).flat()).toMatchObject([{ id, name: 'one' }])
})

test('a command whose answer was lost is a failure that does not say that nothing was done', async () => {
  const { listen, createWorkspace, waitFor } = await openTestServer()
  const port = await listen()
  const { id } = await createWorkspace()
  await waitFor(id, ({ state }) => state === 'running.up')
  const stopped = clientAt(await losingFirstResponse(port)).stop(id)
  await expect(stopped).rejects.toMatchObject({ status: 0, code: 'cut-off' })
  await waitFor(id, ({ state }) => state === 'stopped.idle')
})
