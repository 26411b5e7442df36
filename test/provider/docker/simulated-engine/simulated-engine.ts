import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import type { DockerTarget } from '../../../../src/provider/docker/engine/docker-target.ts'
import { simulatedContainers } from './simulated-containers.ts'

/** A request to the simulated engine. */
export interface EngineRequest {
  readonly method: string
  /** Path without query: `/containers/create`. */
  readonly path: string
  readonly query: URLSearchParams
  readonly body: unknown
}

export type ResponseOverride = (request: EngineRequest) => Response | Promise<Response> | undefined

/** An HTTP server in this process that behaves like an engine, and can produce faults that a real engine cannot. */
export interface SimulatedEngine {
  readonly target: DockerTarget
  readonly server: { listen(): void; close(): void }
  /** Method and path of every request, in order. */
  readonly requests: readonly string[]
  /**
   * Overrides the responses to the next `times` requests that match `method` and `path`; `undefined` passes a request
   * through.
   */
  respondWith(method: string, path: RegExp, respond: ResponseOverride, times?: number): void
  /** Performs the next request that matches `method` and `path`, but overrides its response. */
  respondAfterwards(method: string, path: RegExp, respond: ResponseOverride): void
  /** Makes a container exit. */
  exitContainer(containerId: string, code: number): void
  /** Removes a container. */
  removeContainer(containerId: string): void
  /** The ids of the containers with the label `vm-api.workspace=ID`. */
  containersOf(workspaceId: string): readonly string[]
  addImage(name: string): void
  /** Disconnects every event stream. */
  disconnectEvents(): void
}

/** A response with a JSON body. */
export function jsonResponse(status: number, body: object): Response {
  return Response.json(body, { status })
}

/** An error response of an engine, with the reason in `message`. */
export function errorResponse(status: number, message: string): Response {
  return jsonResponse(status, { message })
}

/** A response that never arrives. */
export function noResponse(): Promise<Response> {
  return new Promise(() => {})
}

/** A complete stream of JSON lines, like the response to a pull. */
export function jsonLinesResponse(...objects: readonly object[]): Response {
  return new Response(objects.map((line) => `${JSON.stringify(line)}\r\n`).join(''))
}

/** Creates a simulated engine with the image `image`. Tests must `listen()` and `close()` its server. */
export function simulatedEngine(image: string): SimulatedEngine {
  const path = join(mkdtempSync(join(tmpdir(), 'vm-api-engine-')), 'engine.sock')
  const engine = simulatedContainers(image)
  const requests: string[] = []
  const overrides: { method: string; path: RegExp; respond: ResponseOverride; remaining: number }[] = []

  function respond(request: EngineRequest): Response | Promise<Response> {
    requests.push(`${request.method} ${request.path}`)
    for (const override of overrides) {
      if (override.remaining < 1 || override.method !== request.method || !override.path.test(request.path)) continue
      override.remaining -= 1
      const response = override.respond(request)
      if (response !== undefined) return response
    }
    return engine.handleRequest(request)
  }

  const server = createServer((message, serverResponse) => {
    void readRequest(message).then(async (request) => sendResponse(serverResponse, await respond(request)))
  })
  server.on('upgrade', (message, socket) => {
    socket.on('error', () => undefined)
    requests.push(`${message.method} ${message.url}`)
    socket.write('HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n')
    socket.end(engine.execOutput())
  })
  return {
    target: { endpoint: { kind: 'socket', path }, description: path, configFile: '/nowhere/config.json' },
    server: {
      listen: () => void server.listen(path),
      close: () => {
        server.close()
        server.closeAllConnections()
        rmSync(dirname(path), { recursive: true, force: true })
      },
    },
    requests,
    respondWith: (method, path, respond, times = 1) => void overrides.push({ method, path, respond, remaining: times }),
    respondAfterwards(method, path, respond) {
      const performThenRespond: ResponseOverride = (request) => {
        engine.handleRequest(request)
        return respond(request)
      }
      overrides.push({ method, path, respond: performThenRespond, remaining: 1 })
    },
    exitContainer: engine.exitContainer,
    removeContainer: engine.removeContainer,
    containersOf: engine.containersOf,
    addImage: engine.addImage,
    disconnectEvents: engine.disconnectEvents,
  }
}

async function readRequest(message: IncomingMessage): Promise<EngineRequest> {
  const url = new URL(message.url ?? '', 'http://engine')
  const raw = await text(message)
  const body: unknown = raw === '' ? {} : JSON.parse(raw)
  return { method: message.method ?? '', path: url.pathname, query: url.searchParams, body }
}

/** Sends the headers at once: the body may be a stream of events. `Response.error()` resets the connection. */
function sendResponse(serverResponse: ServerResponse, response: Response): void {
  if (response.type === 'error') return void serverResponse.destroy()
  serverResponse.writeHead(response.status, Object.fromEntries(response.headers))
  serverResponse.flushHeaders()
  if (response.body === null) return void serverResponse.end()
  const body = Readable.from(readBody(response.body.getReader()))
  body.on('error', () => serverResponse.destroy())
  serverResponse.on('close', () => body.destroy())
  body.pipe(serverResponse)
}

async function* readBody(reader: ReadableStreamDefaultReader<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    for (let part = await reader.read(); part.value !== undefined; part = await reader.read()) yield part.value
  } finally {
    await reader.cancel().catch(() => undefined)
  }
}
