import type { IncomingMessage } from 'node:http'
import { request } from 'node:http'
import type { Readable } from 'node:stream'
import type { ExecLine } from '../../src/wire/exec.ts'
import { execLine } from '../../src/wire/exec.ts'
import type { Shown, World } from './world.ts'
import { openWorld } from './world.ts'
import type { Setting } from './world.ts'

/** A workspace that is plain processes, on a service that listens. */
export async function openWorkspace(setting: Setting = {}) {
  const world = await openWorld({ real: true, ...setting })
  const port = await world.listen()
  const { id } = await world.make()
  const shown = await world.until(id, ({ status }) => status === 'running')
  return { ...world, ...clientOf(port, id), port, id, shown }
}

export type Workspace = Awaited<ReturnType<typeof openWorkspace>>
export type { Shown, World }

/** What a client does with runs, over real connections. */
export function clientOf(port: number, id: string, user = 'alice') {
  const path = `/api/v1/workspaces/${id}/exec`

  function send(
    method: string,
    below: string,
    body?: object | Readable,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const asked = request({
        host: '127.0.0.1',
        port,
        method,
        path: below.startsWith('/api') ? below : `${path}${below}`,
        headers: { 'x-user': user, ...(body && !isStream(body) && { 'content-type': 'application/json' }), ...headers },
      })
      asked.once('response', resolve)
      asked.once('error', reject)
      if (body && isStream(body)) body.on('error', () => asked.destroy()).pipe(asked)
      else asked.end(body && JSON.stringify(body))
    })
  }

  return {
    send,
    /** Starts a run and answers its stream. */
    start: (wish: object) => send('POST', '', wish),
    /** Runs something to its end. */
    run: async (wish: object) => linesOf(await send('POST', '', wish)),
    read: async (execId: string, query = '') => linesOf(await send('GET', `/${execId}${query}`)),
    feed: (execId: string, body: Readable) =>
      send('PUT', `/${execId}/stdin`, body, { 'content-type': 'application/octet-stream' }),
  }
}

function isStream(body: object): body is Readable {
  return 'pipe' in body
}

/** All lines of a stream, each held to its schema. A stream that broke off is an error. */
export async function linesOf(answer: IncomingMessage): Promise<ExecLine[]> {
  const text = await textOf(answer)
  if (answer.statusCode !== 200) throw new Error(`refused: ${text}`)
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map(parsed)
}

export async function textOf(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of answer) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks).toString()
}

export function parsed(text: string): ExecLine {
  return execLine.parse(JSON.parse(text))
}

/** Lines one by one, as they come. */
export async function* lineByLine(answer: IncomingMessage): AsyncGenerator<ExecLine, void, undefined> {
  let rest = ''
  for await (const chunk of answer) {
    const lines = (rest + String(chunk)).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) if (line !== '') yield parsed(line)
  }
}

/** What was written to a stream, put together. */
export function bytesIn(lines: readonly ExecLine[], stream: 'stdout' | 'stderr' = 'stdout'): Buffer {
  return Buffer.concat(
    lines.flatMap((line) =>
      'stream' in line && line.stream === stream ? [Buffer.from(line.data, line.encoding ?? 'utf8')] : [],
    ),
  )
}

export function endIn(lines: readonly ExecLine[]): ExecLine | undefined {
  const last = lines.at(-1)
  return last && 'duration_ms' in last ? last : undefined
}
