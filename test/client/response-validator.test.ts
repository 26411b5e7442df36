import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { InvalidResponseError, apiClient } from '../../src/client/client.ts'
import { collect } from './collect.ts'
import { testClient } from './test-client.ts'

const execLine = '{"seq":0,"stream":"stdout","data":"a"}\n'

/** A service of another version: no response matches its schema. */
async function incompatibleService(): Promise<number> {
  const server = createServer((request, response) => {
    if (request.method === 'POST') response.setHeader('content-type', 'application/x-ndjson').end(execLine)
    else if (request.url?.endsWith('/events'))
      response.setHeader('content-type', 'text/event-stream').end('id: 1\nevent: transition\ndata: {"seq":1}\n\n')
    else response.setHeader('content-type', 'application/json').end('[{"name":"base","cpus":"two"}]')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const address: string | AddressInfo | null = server.address()
  return typeof address === 'object' ? (address?.port ?? 0) : 0
}

test('a validating client rejects a response that does not match its schema, and names the field', async () => {
  const client = testClient(await incompatibleService())
  await expect(client.templates()).rejects.toThrow(InvalidResponseError)
  await expect(client.templates()).rejects.toThrow(/\(templates\)[^]*"cpus"/)
  await expect(collect(client.list())).rejects.toThrow(/\(workspaces\)/)
})

test('a validating client ends a stream at the first invalid line, instead of reconnecting', async () => {
  const client = testClient(await incompatibleService())
  await expect(collect(client.exec('id', { command: ['true'] }).events)).rejects.toThrow(/\(execLine\)[^]*"seq"/)
  await expect(collect(client.events(null, new AbortController().signal))).rejects.toThrow(/\(transitionEvent\)/)
})

test('a client without a validator trusts the service', async () => {
  const client = apiClient({ url: `http://127.0.0.1:${await incompatibleService()}`, user: 'alice' })
  expect(await client.templates()).toEqual([{ name: 'base', cpus: 'two' }])
})
