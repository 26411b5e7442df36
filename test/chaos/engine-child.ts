// A container engine in a process of its own, which outlives the services that it serves. It answers what dockerd answers, from memory,
// and with faults that a seed decides: the work is done and the answer is a 500, or never comes.
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { playedContainers } from '../provider/played-containers.ts'
import { chance } from '../chance.ts'

const [socket = '', seed = '1', image = ''] = process.argv.slice(2)
const engine = playedContainers(image)
const luck = chance(Number(seed))
let faults = false

createServer((request, response) => void answer(request, response)).listen(socket, () =>
  process.send?.({ listens: true }),
)

async function answer(request: IncomingMessage, response: ServerResponse) {
  const { pathname, searchParams } = new URL(request.url ?? '', 'http://engine')
  let raw = ''
  for await (const chunk of request) raw += String(chunk)
  // An event stream or a ping is refused by nobody who lives.
  const trouble = faults && pathname !== '/events' && pathname !== '/_ping' ? luck.luck() : 1
  if (trouble < 0.02) return refuse(response)
  const answered = engine.answer({
    method: request.method ?? 'GET',
    path: pathname,
    query: searchParams,
    body: raw === '' ? {} : JSON.parse(raw),
  })
  if (trouble < 0.05) return refuse(response)
  if (trouble < 0.06) return response.destroy()
  if (trouble < 0.5) await new Promise((resolve) => setTimeout(resolve, luck.between(0, 9)))
  response.writeHead(answered.status, Object.fromEntries(answered.headers))
  if (!answered.body) return response.end()
  const body = Readable.from(piecesOf(answered.body))
  response.flushHeaders()
  response.once('close', () => body.destroy())
  body.on('error', () => response.destroy()).pipe(response)
}

async function* piecesOf(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = body.getReader()
  try {
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) yield piece.value
  } finally {
    await reader.cancel()
  }
}

function refuse(response: ServerResponse) {
  response.writeHead(500, { 'content-type': 'application/json' })
  response.end(JSON.stringify({ message: 'the engine stumbled' }))
}

process.on('message', (asked: { id: number; verb: 'containers' | 'die' | 'vanish' | 'faults'; value?: string }) => {
  if (asked.verb === 'die') engine.die(asked.value ?? '', 9)
  if (asked.verb === 'vanish') engine.vanish(asked.value ?? '')
  if (asked.verb === 'faults') faults = asked.value === 'on'
  process.send?.({ id: asked.id, containers: engine.all() })
})
process.once('disconnect', () => process.exit())
