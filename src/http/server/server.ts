import { setMaxListeners } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { startBodyTimeout } from './body-timeout.ts'
import { rejectMalformedRequest } from './error-handler.ts'

/** Time for a whole request to arrive, unless its route reads the body as a stream. */
const defaultBodyTimeoutMs = 60_000
/** Longer than the minute for which most proxies keep an idle connection. */
const keepAliveTimeoutMs = 72_000
/** Time for pending requests to finish when the service shuts down. A DELETE takes 10 s at most. */
const drainTimeoutMs = 12_000

/** The HTTP server below the app. Responds to what never reaches a route, and drains connections on shutdown. */
export function apiServer(bodyTimeoutMs = defaultBodyTimeoutMs) {
  /** The latest response of each connection. */
  const responses = new Map<Socket, ServerResponse>()
  const upgradedSockets = new Set<Duplex>()
  /** Never listens. It emits `upgrade` for the requests that the WebSocket plugin is to serve. */
  const upgradeServer = createServer()
  const shutdown = new AbortController()
  setMaxListeners(0, shutdown.signal) // every open stream adds one
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
        // Node's request timeout would cut off streams. Headers keep the default timeout of a minute.
        { requireHostHeader: false, requestTimeout: 0, headersTimeout: 60_000, keepAliveTimeout: keepAliveTimeoutMs },
        serve,
      )
      httpServer.on('connection', (socket: Socket) => void socket.once('close', onSocketClose))
      httpServer.on('clientError', rejectMalformedRequest)
      // Node would respond to these two without a body. An Expect header is ignored.
      httpServer.on('checkExpectation', serve)
      httpServer.on('connect', (_request, socket) =>
        rejectMalformedRequest(new Error('CONNECT is not supported'), socket),
      )
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

    /** Aborted when the service starts to shut down. */
    shutdownSignal: shutdown.signal,

    /** Waits up to twelve seconds for the responses to complete requests and for `closeSessions`, then closes all connections. */
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
 * Serves a request that offers an unsupported upgrade, as some clients offer HTTP/2 with every request. Node stops parsing a connection as
 * HTTP after such an offer, so the request is parsed again without it.
 */
function serveWithoutUpgrade(server: Server, request: IncomingMessage, socket: Socket, head: Buffer): void {
  const { httpVersion, method, rawHeaders, url } = request
  let text = `${method} ${url} HTTP/${httpVersion}\r\n`
  for (let index = 0; index + 1 < rawHeaders.length; index += 2)
    if (rawHeaders[index]?.toLowerCase() !== 'upgrade') text += `${rawHeaders[index]}: ${rawHeaders[index + 1]}\r\n`
  socket.unshift(Buffer.concat([Buffer.from(`${text}\r\n`, 'latin1'), head]))
  server.emit('connection', socket)
}
