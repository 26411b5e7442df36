import type { IncomingMessage, ServerResponse } from 'node:http'
import { answerGarbage } from './refuse.ts'

const deadlines = new WeakMap<IncomingMessage, NodeJS.Timeout>()

/** Ends a request whose body is not here after so long: whoever sends half of one would hold a connection for ever. */
export function expectBody(request: IncomingMessage, response: ServerResponse, withinMs: number): void {
  const { headers, socket } = request
  if (headers['transfer-encoding'] === undefined && (headers['content-length'] ?? '0') === '0') return
  const late = setTimeout(() => {
    if (request.complete) return
    if (response.headersSent) socket.destroy()
    else answerGarbage(Object.assign(new Error('the body is late'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' }), socket)
  }, withinMs).unref()
  deadlines.set(request, late)
  request.once('close', () => clearTimeout(late))
}

/** The body of this one may take its time: it is read as it comes, and holds nothing but its connection. */
export function expectLongBody(request: IncomingMessage): void {
  clearTimeout(deadlines.get(request))
}
