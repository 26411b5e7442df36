import type { IncomingMessage, ServerResponse } from 'node:http'
import { rejectMalformedRequest } from './error-handler.ts'

/** Emitted on a request whose body may take any time from now on. */
const timeoutCleared = Symbol('body timeout cleared')

/** Ends a request whose body has not arrived after `timeoutMs`; otherwise an unfinished body would hold its connection forever. */
export function startBodyTimeout(request: IncomingMessage, response: ServerResponse, timeoutMs: number): void {
  const { headers, socket } = request
  if (headers['transfer-encoding'] === undefined && (headers['content-length'] ?? '0') === '0') return
  const timer = setTimeout(() => {
    if (request.complete) return
    if (response.headersSent) socket.destroy()
    else
      rejectMalformedRequest(
        Object.assign(new Error('the body did not arrive in time'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' }),
        socket,
      )
  }, timeoutMs).unref()
  const clear = () => clearTimeout(timer)
  request.once('close', clear).once(timeoutCleared, clear)
}

/** Removes the timeout of a body that is read as a stream: it occupies nothing but its connection. */
export function clearBodyTimeout(request: IncomingMessage): void {
  request.emit(timeoutCleared)
}
