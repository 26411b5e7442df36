import type { IncomingMessage } from 'node:http'
import { request } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { onTestFinished } from 'vitest'
import type { Setting } from './world.ts'
import { openWorld } from './world.ts'

/** A workspace that runs, and how its files are asked for: over a connection, as clients do it. */
export async function up(setting: Setting = {}) {
  const world = await openWorld({ real: true, ...setting })
  const port = await world.listen()
  const { id } = await world.make()
  await world.until(id, ({ status }) => status === 'running')
  const base = `/api/v1/workspaces/${id}/files`

  /** Begins a request; its body is written by the caller. */
  function begin(method: string, path: string, headers: Readonly<Record<string, string | number>> = {}) {
    const asked = request({
      host: '127.0.0.1',
      port,
      method,
      path: base + path,
      agent: false,
      headers: { host: 'localhost', 'x-user': 'alice', ...headers },
    })
    onTestFinished(() => void asked.destroy())
    const answer = new Promise<IncomingMessage>((resolve, reject) => {
      asked.once('response', resolve)
      asked.once('error', reject)
    })
    answer.catch(() => undefined)
    return { asked, answer }
  }

  async function send(method: string, path: string, body: Buffer | string = '') {
    const { asked, answer } = begin(method, path, { 'content-length': Buffer.byteLength(body) })
    asked.end(body)
    const { statusCode, headers, ...rest } = await answer.then(async (got) => ({
      statusCode: got.statusCode,
      headers: got.headers,
      body: await buffer(got),
    }))
    return { status: statusCode, headers, body: rest.body, text: rest.body.toString() }
  }

  const names = async (path = '.') =>
    (await world.ask('GET', `${base}/list?path=${path}`)).json<{ name: string }[]>().map(({ name }) => name)

  return { ...world, id, port, base, begin, send, names, api: world.ask }
}
