import { randomBytes } from 'node:crypto'
import { HttpResponse, http } from 'msw'
import { type SetupServer, setupServer } from 'msw/node'
import type { DockerTarget } from '../../../../src/provider/docker/engine/docker-target.ts'
import { simulatedContainers } from './simulated-containers.ts'

/** A request as the simulated engine receives it. */
export interface EngineRequest {
  readonly method: string
  /** Without the query: `/containers/create`. */
  readonly path: string
  readonly query: URLSearchParams
  readonly body: unknown
}

export type ResponseOverride = (request: EngineRequest) => Response | Promise<Response> | undefined

/**
 * An engine inside this process: msw answers the requests to `target`. It can fail in ways a real engine cannot be made
 * to.
 */
export interface SimulatedEngine {
  readonly target: DockerTarget
  readonly server: SetupServer
  /** Method and path of every request, in order. */
  readonly requests: readonly string[]
  /** Answers the next `times` matching requests in place of the engine; `undefined` passes one on to the engine. */
  respondWith(method: string, path: RegExp, respond: ResponseOverride, times?: number): void
  /** Performs the next matching request, but replaces the response. */
  respondAfterwards(method: string, path: RegExp, respond: ResponseOverride): void
  /** Makes a container's main process exit. */
  exitContainer(containerId: string, code: number): void
  /** Removes a container behind the service's back. */
  removeContainer(containerId: string): void
  /** The ids of the containers with the label `vm-api.workspace=ID`. */
  containersOf(workspaceId: string): readonly string[]
  addImage(name: string): void
  /** Closes every event stream. */
  disconnectEvents(): void
}

/** A response with a JSON body. */
export function jsonResponse(status: number, body: object): Response {
  return HttpResponse.json(body, { status })
}

/** An error response of an engine. */
export function errorResponse(status: number, message: string): Response {
  return jsonResponse(status, { message })
}

/** A response that never arrives. */
export function noResponse(): Promise<Response> {
  return new Promise(() => {})
}

/** A stream of JSON lines, such as the response to a pull. */
export function jsonLinesResponse(...objects: readonly object[]): Response {
  return new HttpResponse(objects.map((line) => `${JSON.stringify(line)}\r\n`).join(''))
}

/** Creates an engine that has `image`. Call `listen()` and `close()` of its server around the tests. */
export function simulatedEngine(image: string): SimulatedEngine {
  const host = `engine-${randomBytes(4).toString('hex')}.test`
  const engine = simulatedContainers(image)
  const requests: string[] = []
  const overrides: { method: string; path: RegExp; respond: ResponseOverride; remaining: number }[] = []

  const server = setupServer(
    http.all(`http://${host}:2375/*`, async ({ request }) => {
      const url = new URL(request.url)
      const raw = await request.text()
      const body: unknown = raw === '' ? {} : JSON.parse(raw)
      const engineRequest: EngineRequest = { method: request.method, path: url.pathname, query: url.searchParams, body }
      requests.push(`${engineRequest.method} ${engineRequest.path}`)
      for (const override of overrides) {
        if (
          override.remaining < 1 ||
          override.method !== engineRequest.method ||
          !override.path.test(engineRequest.path)
        )
          continue
        override.remaining -= 1
        const response = override.respond(engineRequest)
        if (response !== undefined) return response
      }
      return engine.handleRequest(engineRequest)
    }),
  )
  return {
    target: {
      endpoint: { kind: 'http', host, port: 2375 },
      description: `tcp://${host}:2375`,
      configFile: '/nonexistent/config.json',
    },
    server,
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
