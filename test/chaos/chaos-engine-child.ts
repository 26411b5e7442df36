// A simulated container engine in its own process, which outlives the services under test. The seed decides its faults: a refusal without
// effect, or a 500 or a reset although the request took effect.
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { simulatedContainers } from '../provider/docker/simulated-engine/simulated-containers.ts'
import { seededRandom } from '../seeded-random.ts'

const [socket = '', seed = '1', image = ''] = process.argv.slice(2)
const engine = simulatedContainers(image)
const random = seededRandom(Number(seed))
let faults = false

createServer((request, response) => void handleRequest(request, response)).listen(socket, () =>
  process.send?.({ listening: true }),
)

async function handleRequest(request: IncomingMessage, response: ServerResponse) {
  const { pathname, searchParams } = new URL(request.url ?? '', 'http://engine')
  let raw = ''
  for await (const chunk of request) raw += String(chunk)
  // Event streams and pings never fail while the engine is alive.
  const roll = faults && pathname !== '/events' && pathname !== '/_ping' ? random.next() : 1
  if (roll < 0.02) return refuse(response)
  const engineResponse = engine.handleRequest({
    method: request.method ?? 'GET',
    path: pathname,
    query: searchParams,
    body: raw === '' ? {} : JSON.parse(raw),
  })
  if (roll < 0.05) return refuse(response)
  if (roll < 0.06) return response.destroy()
  if (roll < 0.5) await new Promise((resolve) => setTimeout(resolve, random.integer(0, 9)))
  response.writeHead(engineResponse.status, Object.fromEntries(engineResponse.headers))
  if (!engineResponse.body) return response.end()
  const body = Readable.from(chunksOf(engineResponse.body))
  response.flushHeaders()
  response.once('close', () => body.destroy())
  body.on('error', () => response.destroy()).pipe(response)
}

async function* chunksOf(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = body.getReader()
  try {
    for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) yield chunk.value
  } finally {
    await reader.cancel()
  }
}

function refuse(response: ServerResponse) {
  response.writeHead(500, { 'content-type': 'application/json' })
  response.end(JSON.stringify({ message: 'simulated engine failure' }))
}

process.on('message', (message: { id: number; verb: 'containers' | 'die' | 'vanish' | 'faults'; value?: string }) => {
  if (message.verb === 'die') engine.exitContainer(message.value ?? '', 9)
  if (message.verb === 'vanish') engine.removeContainer(message.value ?? '')
  if (message.verb === 'faults') faults = message.value === 'on'
  process.send?.({ id: message.id, containers: engine.listContainers() })
})
process.once('disconnect', () => process.exit())
