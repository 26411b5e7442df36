import { setMaxListeners } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { startBodyTimeout } from './body-timeout.ts'
import { rejectMalformedRequest } from './error-handler.ts'

/** A whole request has to be here by then, unless its route takes it as a stream. */
const defaultBodyTimeoutMs = 60_000
/** Longer than the minute for which proxies usually keep a connection. */
const keepAliveTimeoutMs = 72_000
/** How long the requests under way may take when the service ends; a DELETE takes 10 s at most. */
const drainTimeoutMs = 12_000

/** The server beneath the app. What never reaches a route is answered here, and here it ends. */
export function apiServer(bodyTimeoutMs = defaultBodyTimeoutMs) {
  /** The newest answer of each connection. */
  const responses = new Map<Socket, ServerResponse>()
  const upgradedSockets = new Set<Duplex>()
  /** It never listens: whoever serves WebSockets hears of them from it. */
  const upgradeServer = createServer()
  const shutdown = new AbortController()
  setMaxListeners(0, shutdown.signal) // each open stream is one
  let server: Server | undefined

  function onSocketClose(this: Socket) {
    responses.delete(this)
  }

  return {
    create(handler: RequestListener): Server {
      const serve: RequestListener = (request, response) => {
        responses.set(request.socket, response)
        startBodyTimeout(request, response, bodyTimeoutMs)
        handler(request, response)
      }
      const httpServer = createServer(
        // Node's own deadline for a request would cut streams; headers still have its usual minute.
        { requireHostHeader: false, requestTimeout: 0, headersTimeout: 60_000, keepAliveTimeout: keepAliveTimeoutMs },
        serve,
      )
      httpServer.on('connection', (socket: Socket) => void socket.once('close', onSocketClose))
      httpServer.on('clientError', rejectMalformedRequest)
      // Node would answer these two without a body. No expectation is refused: the request is simply answered.
      httpServer.on('checkExpectation', serve)
      httpServer.on('connect', (_request, socket) => rejectMalformedRequest(new Error('this is no proxy'), socket))
      httpServer.on('upgrade', (request, socket: Socket, head) => {
        if (!isShellUpgrade(request)) return serveWithoutUpgrade(httpServer, request, socket, head)
        upgradedSockets.add(socket)
        socket.once('close', () => upgradedSockets.delete(socket))
        upgradeServer.emit('upgrade', request, socket, head)
      })
      server = httpServer
      return httpServer
    },

    upgradeServer,

    /** Aborted when the service begins to end. */
    shutdownSignal: shutdown.signal,

    /** Waits for the answers to requests that have arrived, and for `also`, twelve seconds at most; then nobody is connected any more. */
    async drain(closeSessions: () => Promise<void>): Promise<void> {
      shutdown.abort()
      server?.closeIdleConnections()
      const pending = [...responses.values()].flatMap((response) => {
        if (response.writableFinished || response.destroyed) return []
        if (!response.headersSent) response.setHeader('connection', 'close')
        return response.req.complete ? new Promise((resolve) => response.once('close', resolve)) : []
      })
      let timer: NodeJS.Timeout | undefined
      await Promise.race([
        Promise.all([closeSessions(), ...pending]),
        new Promise((resolve) => {
          timer = setTimeout(resolve, drainTimeoutMs)
        }),
      ])
      clearTimeout(timer)
      server?.closeAllConnections()
      for (const socket of upgradedSockets) socket.destroy()
    },
  }
}

const shellPath = /^\/api\/v1\/workspaces\/[^/?]+\/shell(?:\?|$)/

function isShellUpgrade({ headers, method, url = '' }: IncomingMessage): boolean {
  return method === 'GET' && headers.upgrade?.toLowerCase() === 'websocket' && shellPath.test(url)
}

/**
 * Serves a request that offers an upgrade which nobody here takes: some clients offer HTTP/2 with everything that they send. It is read
 * anew, without the offer, since Node stops reading a connection as HTTP once it has seen one.
 */
function serveWithoutUpgrade(server: Server, request: IncomingMessage, socket: Socket, head: Buffer): void {
  const { httpVersion, method, rawHeaders, url } = request
  let text = `${method} ${url} HTTP/${httpVersion}\r\n`
  for (let index = 0; index + 1 < rawHeaders.length; index += 2)
    if (rawHeaders[index]?.toLowerCase() !== 'upgrade') text += `${rawHeaders[index]}: ${rawHeaders[index + 1]}\r\n`
  socket.unshift(Buffer.concat([Buffer.from(`${text}\r\n`, 'latin1'), head]))
  server.emit('connection', socket)
}
