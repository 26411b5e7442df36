import { randomBytes } from 'node:crypto'
import { HttpResponse, http } from 'msw'
import { type SetupServer, setupServer } from 'msw/node'
import type { DockerTarget } from '../../src/provider/docker/target.ts'
import { playedContainers } from './played-containers.ts'

/** A request as the played engine gets it. */
export interface Asked {
  readonly method: string
  /** Path without query: `/containers/create`. */
  readonly path: string
  readonly query: URLSearchParams
  readonly body: unknown
}

export type Play = (asked: Asked) => Response | Promise<Response> | undefined

/**
 * An engine that exists in this process only: msw answers what the client asks of `target`. It can refuse as no real
 * engine can be made to.
 */
export interface PlayedEngine {
  readonly target: DockerTarget
  readonly server: SetupServer
  /** Method and path of every request, in order. */
  readonly asked: readonly string[]
  /**
   * Answers the next `times` requests that `method` and `path` fit in place of the engine; `undefined` lets one
   * through.
   */
  instead(method: string, path: RegExp, play: Play, times?: number): void
  /** Does the next request that `method` and `path` fit, and answers it otherwise all the same. */
  afterwards(method: string, path: RegExp, play: Play): void
  /** Ends a container by itself. */
  die(containerId: string, code: number): void
  /** Makes a container not exist. */
  vanish(containerId: string): void
  /** The ids of its containers that carry the label `vm-api.workspace=ID`. */
  containersOf(workspaceId: string): readonly string[]
  addImage(name: string): void
  /** Cuts every stream of events. */
  cutEvents(): void
}

/** A response with a JSON body. */
export function json(status: number, body: object): Response {
  return HttpResponse.json(body, { status })
}

/** The refusal of an engine: its reason is in the body's `message`. */
export function refusal(status: number, message: string): Response {
  return json(status, { message })
}

/** An answer that never comes. */
export function silence(): Promise<Response> {
  return new Promise(() => {})
}

/** Lines of a stream that then ends, as a pull is answered. */
export function lines(...each: readonly object[]): Response {
  return new HttpResponse(each.map((line) => `${JSON.stringify(line)}\r\n`).join(''))
}

/** A played engine with the image `image`. `listen()` and `close()` its server around the tests. */
export function playedEngine(image: string): PlayedEngine {
  const host = `engine-${randomBytes(4).toString('hex')}.test`
  const engine = playedContainers(image)
  const asked: string[] = []
  const instead: { method: string; path: RegExp; play: Play; left: number }[] = []

  const server = setupServer(
    http.all(`http://${host}:2375/*`, async ({ request }) => {
      const url = new URL(request.url)
      const raw = await request.text()
      const body: unknown = raw === '' ? {} : JSON.parse(raw)
      const question: Asked = { method: request.method, path: url.pathname, query: url.searchParams, body }
      asked.push(`${question.method} ${question.path}`)
      for (const one of instead) {
        if (one.left < 1 || one.method !== question.method || !one.path.test(question.path)) continue
        one.left -= 1
        const played = one.play(question)
        if (played !== undefined) return played
      }
      return engine.answer(question)
    }),
  )
  return {
    target: {
      at: { kind: 'http', host, port: 2375 },
      described: `tcp://${host}:2375`,
      configFile: '/nowhere/config.json',
    },
    server,
    asked,
    instead: (method, path, play, times = 1) => void instead.push({ method, path, play, left: times }),
    afterwards(method, path, play) {
      const both: Play = (asked) => {
        engine.answer(asked)
        return play(asked)
      }
      instead.push({ method, path, play: both, left: 1 })
    },
    die: engine.die,
    vanish: engine.vanish,
    containersOf: engine.containersOf,
    addImage: engine.addImage,
    cutEvents: engine.cutEvents,
  }
}
