import type { IncomingMessage } from 'node:http'
import { request } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { onTestFinished } from 'vitest'
import type { TestServerOptions } from '../test-server.ts'
import { openTestServer } from '../test-server.ts'

/** A running workspace, and a client of its files over real connections. */
export async function openFilesWorkspace(options: TestServerOptions = {}) {
  const testServer = await openTestServer({ realProcesses: true, ...options })
  const port = await testServer.listen()
  const { id } = await testServer.createWorkspace()
  await testServer.waitFor(id, ({ status }) => status === 'running')
  const base = `/api/v1/workspaces/${id}/files`

  /** Starts a request. The caller writes the body. */
  function startRequest(method: string, path: string, headers: Readonly<Record<string, string | number>> = {}) {
    const clientRequest = request({
      host: '127.0.0.1',
      port,
      method,
      path: base + path,
      agent: false,
      headers: { host: 'localhost', 'x-user': 'alice', ...headers },
    })
    onTestFinished(() => void clientRequest.destroy())
    const response = new Promise<IncomingMessage>((resolve, reject) => {
      clientRequest.once('response', resolve)
      clientRequest.once('error', reject)
    })
    response.catch(() => undefined)
    return { request: clientRequest, response }
  }

  async function send(method: string, path: string, body: Buffer | string = '') {
    const { request: clientRequest, response } = startRequest(method, path, {
      'content-length': Buffer.byteLength(body),
    })
    clientRequest.end(body)
    const { statusCode, headers, ...rest } = await response.then(async (message) => ({
      statusCode: message.statusCode,
      headers: message.headers,
      body: await buffer(message),
    }))
    return { status: statusCode, headers, body: rest.body, text: rest.body.toString() }
  }

  const names = async (path = '.') =>
    (await testServer.inject('GET', `${base}/list?path=${path}`)).json<{ name: string }[]>().map(({ name }) => name)

  return { ...testServer, id, port, base, startRequest, send, names, api: testServer.inject }
}
