import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { dockerProvider } from '../../../../src/provider/docker/docker-provider.ts'
import { silentLog } from '../../../silent-log.ts'
import { faultOf, newWorkspaceRef, plainSpec, neverAborted, valueOf } from '../../contract/provider-fixture.ts'
import {
  jsonLinesResponse,
  type SimulatedEngine,
  simulatedEngine,
  errorResponse,
  noResponse,
} from './simulated-engine.ts'

const image = 'vm-test/base:latest'
let engine: SimulatedEngine

beforeEach(() => {
  engine = simulatedEngine(image)
  engine.server.listen()
})
afterEach(() => engine.server.close())

// Short, so that a test of a registry that never answers is fast.
const shortTimeouts = { registryMs: 150, stallMs: 150 }
function pull(name: string, onProgress: (text: string) => void = () => {}, timeouts = {}) {
  const provider = dockerProvider({ installation: 'pulls', target: engine.target, log: silentLog, timeouts })
  return provider.image(newWorkspaceRef(plainSpec({ image: name })), neverAborted(), onProgress)
}

describe('Pulling an image on a simulated engine', () => {
  it('a successful pull reports progress and returns the image id', async () => {
    engine.respondWith('POST', /^\/images\/create$/, ({ query }) => {
      engine.addImage('node:22')
      expect([query.get('fromImage'), query.get('tag')]).toEqual(['node', '22'])
      return jsonLinesResponse(
        { status: 'Pulling from library/node', id: '22' },
        { status: 'Status: Downloaded newer image for node:22' },
      )
    })
    const progress: string[] = []
    expect(valueOf(await pull('node:22', (text) => progress.push(text)))).toEqual({ imageId: 'sha256:abc' })
    expect(progress).toEqual(['pulling node:22'])
  })

  it('a reference without a tag pulls latest, never every tag', async () => {
    engine.respondWith('POST', /^\/images\/create$/, ({ query }) =>
      errorResponse(404, `tag ${query.get('tag')} not found`),
    )
    expect(faultOf(await pull('ghcr.io/acme/dev')).message).toContain('tag latest')
  })

  it('an image that the engine has is not pulled', async () => {
    valueOf(await pull(image))
    expect(engine.requests).toEqual([`GET /images/${image}/json`])
  })

  it.each([
    ['pull access denied for acme/dev, repository does not exist or may require docker login: denied', 404],
    ['manifest for acme/dev:1 not found: manifest unknown: manifest unknown', 404],
    ['unauthorized: authentication required', 500],
    ['no matching manifest for linux/arm64/v8 in the manifest list entries', 404],
  ])('a refusal of the registry is a permanent fault: %s', async (reason, status) => {
    engine.respondWith('POST', /^\/images\/create$/, () => errorResponse(status, reason))
    const fault = faultOf(await pull('acme/dev:1'))
    expect(fault.kind).toBe('permanent')
    expect(fault.message).toContain('acme/dev:1')
    expect(fault.message).toContain(reason)
  })

  it.each([
    ['Get "https://registry.test/v2/": dial tcp: lookup registry.test: no such host', 500],
    ['Get "https://registry.test/v2/": net/http: TLS handshake timeout', 500],
    ['Get "https://registry.test/v2/": dial tcp 10.0.0.1:443: connect: connection refused', 404],
    ['toomanyrequests: You have reached your pull rate limit', 429],
    ['received unexpected HTTP status: 503 Service Unavailable', 500],
  ])('an unreachable registry is a transient fault: %s', async (reason, status) => {
    engine.respondWith('POST', /^\/images\/create$/, () => errorResponse(status, reason))
    const fault = faultOf(await pull('registry.test/dev:1'))
    expect(fault.kind).toBe('transient')
    expect(fault.message).toContain(reason)
  })

  it('an error in the middle of the stream is the reason in the fault', async () => {
    const error = 'denied: requested access to the resource is denied'
    engine.respondWith('POST', /^\/images\/create$/, () =>
      jsonLinesResponse({ status: 'Pulling from acme/dev', id: '1' }, { errorDetail: { message: error }, error }),
    )
    const fault = faultOf(await pull('acme/dev:1'))
    expect(fault.kind).toBe('permanent')
    expect(fault.message).toContain(error)
  })

  it('a registry that does not answer the engine is given up after the registry timeout', async () => {
    engine.respondWith('POST', /^\/images\/create$/, noResponse)
    const fault = faultOf(await pull('registry.test/dev:1', () => {}, shortTimeouts))
    expect(fault).toEqual({
      kind: 'transient',
      message: 'The image registry.test/dev:1 cannot be pulled: no answer from its registry within 0.15 s.',
    })
  })

  it('a pull that stalls is given up', async () => {
    engine.respondWith('POST', /^\/images\/create$/, () => {
      const body = new ReadableStream<Uint8Array>({
        start: (controller) => controller.enqueue(Buffer.from('{"status":"Pulling from acme/dev","id":"1"}\n')),
      })
      return new Response(body)
    })
    expect(faultOf(await pull('acme/dev:1', () => {}, shortTimeouts)).kind).toBe('transient')
  })

  it('a pull that is cut because the engine went away is an unavailable engine, not a failed pull', async () => {
    engine.respondWith('POST', /^\/images\/create$/, () => {
      engine.respondWith('GET', /^\/_ping$/, () => Response.error())
      const body = new ReadableStream<Uint8Array>({ start: (controller) => controller.error(new Error('cut')) })
      return new Response(body)
    })
    expect(faultOf(await pull('acme/dev:1')).kind).toBe('unavailable')
  })

  it('an invalid image reference never reaches the engine', async () => {
    for (const name of ['../containers/json', 'a b', '', 'x?y=1', 'UPPER/CASE@nothing']) {
      expect(faultOf(await pull(name)).kind).toBe('permanent')
    }
    expect(engine.requests).toEqual([])
  })
})
