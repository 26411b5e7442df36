import type { IncomingMessage } from 'node:http'
import { request } from 'node:http'
import type { Readable } from 'node:stream'
import type { ExecLine } from '../../../src/wire/runtime/exec.ts'
import { execLineSchema } from '../../../src/wire/runtime/exec.ts'
import { openTestServer } from '../test-server.ts'
import type { TestServerOptions } from '../test-server.ts'

/** A running workspace of plain processes, on a service that listens. */
export async function openExecWorkspace(options: TestServerOptions = {}) {
  const testServer = await openTestServer({ realProcesses: true, ...options })
  const port = await testServer.listen()
  const { id } = await testServer.createWorkspace()
  const workspaceBody = await testServer.waitFor(id, ({ status }) => status === 'running')
  return { ...testServer, ...execClient(port, id), port, id, workspaceBody }
}

export type ExecWorkspace = Awaited<ReturnType<typeof openExecWorkspace>>

/** A client of exec sessions, over real connections. */
export function execClient(port: number, id: string, user = 'alice') {
  const path = `/api/v1/workspaces/${id}/exec`

  function sendRequest(
    method: string,
    subPath: string,
    body?: object | Readable,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const clientRequest = request({
        host: '127.0.0.1',
        port,
        method,
        path: subPath.startsWith('/api') ? subPath : `${path}${subPath}`,
        headers: { 'x-user': user, ...(body && !isStream(body) && { 'content-type': 'application/json' }), ...headers },
      })
      clientRequest.once('response', resolve)
      clientRequest.once('error', reject)
      if (body && isStream(body)) body.on('error', () => clientRequest.destroy()).pipe(clientRequest)
      else clientRequest.end(body && JSON.stringify(body))
    })
  }

  return {
    send: sendRequest,
    /** Starts a command and returns its response stream. */
    start: (body: object) => sendRequest('POST', '', body),
    /** Runs a command to its end. */
    run: async (body: object) => readLines(await sendRequest('POST', '', body)),
    read: async (execId: string, query = '') => readLines(await sendRequest('GET', `/${execId}${query}`)),
    writeStdin: (execId: string, body: Readable) =>
      sendRequest('PUT', `/${execId}/stdin`, body, { 'content-type': 'application/octet-stream' }),
  }
}

function isStream(body: object): body is Readable {
  return 'pipe' in body
}

/** All lines of a stream, each checked against its schema. A truncated stream is an error. */
export async function readLines(response: IncomingMessage): Promise<ExecLine[]> {
  const text = await readText(response)
  if (response.statusCode !== 200) throw new Error(`refused: ${text}`)
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map(parseExecLine)
}

export async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks).toString()
}

export function parseExecLine(text: string): ExecLine {
  return execLineSchema.parse(JSON.parse(text))
}

/** Lines one by one, as they arrive. */
export async function* lineByLine(response: IncomingMessage): AsyncGenerator<ExecLine, void, undefined> {
  let buffered = ''
  for await (const chunk of response) {
    const lines = (buffered + String(chunk)).split('\n')
    buffered = lines.pop() ?? ''
    for (const line of lines) if (line !== '') yield parseExecLine(line)
  }
}

/** The concatenated bytes of a stream. */
export function streamBytes(lines: readonly ExecLine[], stream: 'stdout' | 'stderr' = 'stdout'): Buffer {
  return Buffer.concat(
    lines.flatMap((line) =>
      'stream' in line && line.stream === stream ? [Buffer.from(line.data, line.encoding ?? 'utf8')] : [],
    ),
  )
}

export function endLine(lines: readonly ExecLine[]): ExecLine | undefined {
  const last = lines.at(-1)
  return last && 'duration_ms' in last ? last : undefined
}
