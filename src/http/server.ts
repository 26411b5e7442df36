import { setMaxListeners } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { expectBody } from './body-deadline.ts'
import { answerGarbage } from './refuse.ts'

/** A whole request has to be here by then, unless its route takes it as a stream. */
const bodyMs = 60_000
/** Longer than the minute for which proxies usually keep a connection. */
const keepAliveTimeoutMs = 72_000
/** How long the requests under way may take when the service ends; a DELETE takes 10 s at most. */
const drainMs = 12_000

/** The server beneath the app. What never reaches a route is answered here, and here it ends. */
export function apiServer(bodyWithinMs = bodyMs) {
  /** The newest answer of each connection. */
  const answers = new Map<Socket, ServerResponse>()
  const upgraded = new Set<Duplex>()
  /** It never listens: whoever serves WebSockets hears of them from it. */
  const upgrades = createServer()
  const ending = new AbortController()
  setMaxListeners(0, ending.signal) // each open stream is one
  let server: Server | undefined

  function left(this: Socket) {
    answers.delete(this)
  }

  return {
    make(handler: RequestListener): Server {
      const serve: RequestListener = (request, response) => {
        answers.set(request.socket, response)
        expectBody(request, response, bodyWithinMs)
        handler(request, response)
      }
      const made = createServer(
        // Node's own deadline for a request would cut streams; headers still have its usual minute.
        { requireHostHeader: false, requestTimeout: 0, headersTimeout: 60_000, keepAliveTimeout: keepAliveTimeoutMs },
        serve,
      )
      made.on('connection', (socket: Socket) => void socket.once('close', left))
      made.on('clientError', answerGarbage)
      // Node would answer these two without a body. No expectation is refused: the request is simply answered.
      made.on('checkExpectation', serve)
      made.on('connect', (_request, socket) => answerGarbage(new Error('this is no proxy'), socket))
      made.on('upgrade', (request, socket: Socket, head) => {
        if (!isShell(request)) return asPlain(made, request, socket, head)
        upgraded.add(socket)
        socket.once('close', () => upgraded.delete(socket))
        upgrades.emit('upgrade', request, socket, head)
      })
      server = made
      return made
    },

    upgrades,

    /** Aborted when the service begins to end. */
    ending: ending.signal,

    /** Waits for the answers to requests that have arrived, and for `also`, twelve seconds at most; then nobody is connected any more. */
    async drain(also: () => Promise<void>): Promise<void> {
      ending.abort()
      server?.closeIdleConnections()
      const waits = [...answers.values()].flatMap((response) => {
        if (response.writableFinished || response.destroyed) return []
        if (!response.headersSent) response.setHeader('connection', 'close')
        return response.req.complete ? new Promise((resolve) => response.once('close', resolve)) : []
      })
      let late: NodeJS.Timeout | undefined
      await Promise.race([
        Promise.all([also(), ...waits]),
        new Promise((resolve) => {
          late = setTimeout(resolve, drainMs)
        }),
      ])
      clearTimeout(late)
      server?.closeAllConnections()
      for (const socket of upgraded) socket.destroy()
    },
  }
}

const shellPath = /^\/api\/v1\/workspaces\/[^/?]+\/shell(?:\?|$)/

function isShell({ headers, method, url = '' }: IncomingMessage): boolean {
  return method === 'GET' && headers.upgrade?.toLowerCase() === 'websocket' && shellPath.test(url)
}

/**
 * Serves a request that offers an upgrade which nobody here takes: some clients offer HTTP/2 with everything that they send. It is read
 * anew, without the offer, since Node stops reading a connection as HTTP once it has seen one.
 */
function asPlain(server: Server, request: IncomingMessage, socket: Socket, head: Buffer): void {
  const { httpVersion, method, rawHeaders, url } = request
  let text = `${method} ${url} HTTP/${httpVersion}\r\n`
  for (let at = 0; at + 1 < rawHeaders.length; at += 2)
    if (rawHeaders[at]?.toLowerCase() !== 'upgrade') text += `${rawHeaders[at]}: ${rawHeaders[at + 1]}\r\n`
  socket.unshift(Buffer.concat([Buffer.from(`${text}\r\n`, 'latin1'), head]))
  server.emit('connection', socket)
}
