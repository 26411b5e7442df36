import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { apiClient } from '../../src/client/client.ts'
import { openWorld } from '../http/world.ts'
import { allOf } from './all-of.ts'

const clientAt = (port: number, user = 'alice') => apiClient({ url: `http://127.0.0.1:${port}`, user })

test('a workspace is made, commanded and deleted through the client', async () => {
  const { listen, until } = await openWorld()
  const client = clientAt(await listen())
  const { id } = await client.create({ name: 'one' })
  await until(id, ({ status }) => status === 'running')
  expect((await client.stop(id)).status).toBe('running')
  await until(id, ({ state }) => state === 'stopped.idle')
  await client.start(id)
  await until(id, ({ state }) => state === 'running.up')
  expect((await client.amend(id, { ttl_seconds: 60 })).ttl_seconds).toBe(60)
  await client.delete(id)
  await expect(client.get(id)).rejects.toMatchObject({ status: 404, code: 'workspace-not-found' })
  const [lines] = await allOf(client.history(id))
  expect(lines?.at(-1)?.to).toBe('deleted')
})

test('a list longer than a page is read to its end, each workspace once', async () => {
  const { listen, make } = await openWorld()
  const names = Array.from({ length: 205 }, (_, index) => `w${index}`)
  for (const name of names) await make({ name })
  const pages = await allOf(clientAt(await listen()).list())
  expect(pages.map(({ length }) => length)).toEqual([100, 105])
  expect(new Set(pages.flat().map(({ name }) => name))).toEqual(new Set(names))
})

test('a command that does not fit the state is refused with the state', async () => {
  const { listen, make, until } = await openWorld()
  const { id } = await make()
  await until(id, ({ state }) => state === 'running.up')
  await expect(clientAt(await listen()).start(id)).rejects.toMatchObject({ status: 409, state: 'running.up' })
})

test('only an operator is told to be one', async () => {
  const { listen } = await openWorld()
  const port = await listen()
  expect(await clientAt(port).isOperator()).toBe(false)
  expect(await clientAt(port, 'root').isOperator()).toBe(true)
})

test('a service that does not answer is a failure that says so', async () => {
  const { app, listen } = await openWorld()
  const client = clientAt(await listen())
  await app.close()
  await expect(client.templates()).rejects.toMatchObject({ status: 0, code: 'unreachable' })
})

/** Passes requests on, and hangs up on the first answer. */
async function losingFirstAnswer(port: number): Promise<number> {
  let lost = false
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1')
    near.pipe(far)
    far.on('data', (data) => {
      if (lost) near.write(data)
      else near.resetAndDestroy()
      lost = true
    })
    near.on('error', () => far.destroy())
    near.on('close', () => far.destroy())
    far.on('error', () => near.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const address = server.address()
  return typeof address === 'object' ? (address?.port ?? 0) : 0
}

test('a create whose answer was lost is the same create when it is asked again', async () => {
  const { listen } = await openWorld()
  const port = await listen()
  const { id } = await clientAt(await losingFirstAnswer(port)).create({ name: 'one' })
  expect((await allOf(clientAt(port).list())).flat()).toMatchObject([{ id, name: 'one' }])
})

test('a command whose answer was lost is a failure that does not say that nothing was done', async () => {
  const { listen, make, until } = await openWorld()
  const port = await listen()
  const { id } = await make()
  await until(id, ({ state }) => state === 'running.up')
  const stopped = clientAt(await losingFirstAnswer(port)).stop(id)
  await expect(stopped).rejects.toMatchObject({ status: 0, code: 'cut-off' })
  await until(id, ({ state }) => state === 'stopped.idle')
})
