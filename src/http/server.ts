import { createServer } from 'node:http'
import type { RequestListener, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { answerGarbage } from './refuse.ts'

/** A whole request has to be here by then: whoever sends half of one would hold a connection for ever. */
const requestTimeoutMs = 60_000
/** Longer than the minute for which proxies usually keep a connection. */
const keepAliveTimeoutMs = 72_000
/** How long the requests under way may take when the service ends; a DELETE takes 10 s at most. */
const drainMs = 12_000

/** The server beneath the app. What never reaches a route is answered here, and here it ends. */
export function apiServer() {
  /** The newest answer of each connection. */
  const answers = new Map<Socket, ServerResponse>()
  const ending = new AbortController()
  let server: Server | undefined

  function left(this: Socket) {
    answers.delete(this)
  }

  return {
    make(handler: RequestListener): Server {
      const serve: RequestListener = (request, response) => {
        answers.set(request.socket, response)
        handler(request, response)
      }
      const made = createServer(
        { requireHostHeader: false, requestTimeout: requestTimeoutMs, keepAliveTimeout: keepAliveTimeoutMs },
        serve,
      )
      made.on('connection', (socket: Socket) => void socket.once('close', left))
      made.on('clientError', answerGarbage)
      // Node would answer these two without a body. No expectation is refused: the request is simply answered.
      made.on('checkExpectation', serve)
      made.on('connect', (_request, socket) => answerGarbage(new Error('this is no proxy'), socket))
      server = made
      return made
    },

    /** Aborted when the service begins to end. */
    ending: ending.signal,

    /** Waits for the answers to requests that have arrived, twelve seconds at most; then nobody is connected any more. */
    async drain(): Promise<void> {
      ending.abort()
      server?.closeIdleConnections()
      const waits = [...answers.values()].flatMap((response) => {
        if (response.writableFinished || response.destroyed) return []
        if (!response.headersSent) response.setHeader('connection', 'close')
        return response.req.complete ? new Promise((resolve) => response.once('close', resolve)) : []
      })
      let late: NodeJS.Timeout | undefined
      await Promise.race([
        Promise.all(waits),
        new Promise((resolve) => {
          late = setTimeout(resolve, drainMs)
        }),
      ])
      clearTimeout(late)
      server?.closeAllConnections()
    },
  }
}
