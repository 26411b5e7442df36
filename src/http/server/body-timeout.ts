import type { IncomingMessage, ServerResponse } from 'node:http'
import { rejectMalformedRequest } from './error-handler.ts'

const timers = new WeakMap<IncomingMessage, NodeJS.Timeout>()

/** Ends a request whose body is not here after so long: whoever sends half of one would hold a connection for ever. */
export function startBodyTimeout(request: IncomingMessage, response: ServerResponse, timeoutMs: number): void {
  const { headers, socket } = request
  if (headers['transfer-encoding'] === undefined && (headers['content-length'] ?? '0') === '0') return
  const timer = setTimeout(() => {
    if (request.complete) return
    if (response.headersSent) socket.destroy()
    else
      rejectMalformedRequest(Object.assign(new Error('the body is late'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' }), socket)
  }, timeoutMs).unref()
  timers.set(request, timer)
  request.once('close', () => clearTimeout(timer))
}

/** The body of this one may take its time: it is read as it comes, and holds nothing but its connection. */
export function clearBodyTimeout(request: IncomingMessage): void {
  clearTimeout(timers.get(request))
}
