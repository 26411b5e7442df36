import { randomBytes } from 'node:crypto'
import { HttpResponse, http } from 'msw'
import { type SetupServer, setupServer } from 'msw/node'
import type { DockerTarget } from '../../../../src/provider/docker/engine/docker-target.ts'
import { simulatedContainers } from './simulated-containers.ts'

/** A request as the played engine gets it. */
export interface EngineRequest {
  readonly method: string
  /** Path without query: `/containers/create`. */
  readonly path: string
  readonly query: URLSearchParams
  readonly body: unknown
}

export type ResponseOverride = (request: EngineRequest) => Response | Promise<Response> | undefined

/**
 * An engine that exists in this process only: msw answers what the client asks of `target`. It can refuse as no real
 * engine can be made to.
 */
export interface SimulatedEngine {
  readonly target: DockerTarget
  readonly server: SetupServer
  /** Method and path of every request, in order. */
  readonly requests: readonly string[]
  /**
   * Answers the next `times` requests that `method` and `path` fit in place of the engine; `undefined` lets one
   * through.
   */
  respondWith(method: string, path: RegExp, respond: ResponseOverride, times?: number): void
  /** Does the next request that `method` and `path` fit, and answers it otherwise all the same. */
  respondAfterwards(method: string, path: RegExp, respond: ResponseOverride): void
  /** Ends a container by itself. */
  exitContainer(containerId: string, code: number): void
  /** Makes a container not exist. */
  removeContainer(containerId: string): void
  /** The ids of its containers that carry the label `vm-api.workspace=ID`. */
  containersOf(workspaceId: string): readonly string[]
  addImage(name: string): void
  /** Cuts every stream of events. */
  disconnectEvents(): void
}

/** A response with a JSON body. */
export function jsonResponse(status: number, body: object): Response {
  return HttpResponse.json(body, { status })
}

/** The refusal of an engine: its reason is in the body's `message`. */
export function errorResponse(status: number, message: string): Response {
  return jsonResponse(status, { message })
}

/** An answer that never comes. */
export function noResponse(): Promise<Response> {
  return new Promise(() => {})
}

/** Lines of a stream that then ends, as a pull is answered. */
export function jsonLinesResponse(...objects: readonly object[]): Response {
  return new HttpResponse(objects.map((line) => `${JSON.stringify(line)}\r\n`).join(''))
}

/** A played engine with the image `image`. `listen()` and `close()` its server around the tests. */
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
      return engine.answer(engineRequest)
    }),
  )
  return {
    target: {
      endpoint: { kind: 'http', host, port: 2375 },
      description: `tcp://${host}:2375`,
      configFile: '/nowhere/config.json',
    },
    server,
    requests,
    respondWith: (method, path, respond, times = 1) => void overrides.push({ method, path, respond, remaining: times }),
    respondAfterwards(method, path, respond) {
      const performThenRespond: ResponseOverride = (request) => {
        engine.answer(request)
        return respond(request)
      }
      overrides.push({ method, path, respond: performThenRespond, remaining: 1 })
    },
    exitContainer: engine.die,
    removeContainer: engine.vanish,
    containersOf: engine.containersOf,
    addImage: engine.addImage,
    disconnectEvents: engine.disconnectEvents,
  }
}
