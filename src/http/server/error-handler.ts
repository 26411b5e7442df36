import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { problems } from '../presenters/problem-table.ts'
import { Problem } from '../presenters/problem.ts'
import type { ProblemCode } from '../presenters/problem-table.ts'
import { redactedUrl } from './ticket-store.ts'

// All errors leave as {"error", "code"}: those of the service, of Fastify, and of requests that are not valid HTTP.

const frameworkCodes: Readonly<Record<string, ProblemCode>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported-media-type',
  FST_ERR_CTP_BODY_TOO_LARGE: 'body-too-large',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'malformed-request',
  FST_ERR_CTP_INVALID_JSON_BODY: 'malformed-json',
  FST_ERR_BAD_URL: 'malformed-request',
  FST_ERR_MAX_PARAM_LENGTH: 'uri-too-long',
}

/** Database errors with an external cause. Every other code is a bug of the service. */
const databaseUnavailable = /^SQLITE_(BUSY|CANTOPEN|CORRUPT|FULL|IOERR|NOTADB|PROTOCOL|READONLY)/

/** The problem that an error is reported as. */
export function toProblem(error: FastifyError | Problem): Problem {
  if (error instanceof Problem) return error
  if (error.validation) {
    const details = error.validation.map(({ instancePath, message }) => ({
      field: instancePath.slice(1).replaceAll('/', '.') || (error.validationContext ?? 'body'),
      problem: describeValidationMessage(message ?? 'is invalid'),
    }))
    const summary = details.map(({ field, problem }) => `${field}: ${problem}`).join('; ')
    return new Problem('invalid', { error: `The request is invalid: ${summary}.`, details })
  }
  const code = frameworkCodes[error.code]
  if (code) return new Problem(code)
  if (databaseUnavailable.test(error.code ?? '')) return new Problem('not-read', { headers: { 'retry-after': '5' } })
  return new Problem((error.statusCode ?? 500) < 500 ? 'malformed-request' : 'internal')
}

/** Turns zod's "expected X, received Y" into what to send. */
function describeValidationMessage(message: string): string {
  const [, expected, received] = /^Invalid input: expected (\w+), received (\w+)$/.exec(message) ?? []
  if (expected === undefined) return message
  if (received === 'undefined') return 'is missing'
  const typeNames: Readonly<Record<string, string>> = {
    object: 'a JSON object',
    record: 'a JSON object',
    int: 'a whole number',
  }
  return `must be ${typeNames[expected] ?? `a ${expected}`}`
}

/** Sets the headers of every response. */
export function setCommonHeaders(request: FastifyRequest, reply: FastifyReply): void {
  void reply
    .header('x-request-id', request.id)
    .header('cache-control', 'no-store')
    .header('x-content-type-options', 'nosniff')
}

/** Responds with a problem. Server errors are logged here, once, with their cause chain. */
export function sendProblem(error: FastifyError | Problem, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const problem = toProblem(error)
  if (problem.statusCode >= 500)
    request.log.error(
      { request: request.id, err: error.cause ?? error, url: redactedUrl(request.url), code: problem.code },
      'request failed',
    )
  setCommonHeaders(request, reply) // no hook runs for a path that cannot be decoded
  return reply
    .code(problem.statusCode)
    .headers({ ...problem.options.headers })
    .send(problem.body())
}

/** Responds to an unknown path with 404, and to an unsupported method of a known path with 405. */
export function sendNotFound(app: FastifyInstance, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const url = request.url.split('?', 1)[0] ?? ''
  const allowed = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'].filter(
    (method) => app.findRoute({ method, url }) !== null,
  )
  const problem =
    // A static folder matches every path below it, also those without a file.
    allowed.length === 0 || allowed.includes(request.method)
      ? new Problem('route-not-found')
      : new Problem('method-not-allowed', { headers: { allow: allowed.join(', ') } })
  return sendProblem(problem, request, reply)
}

const parserCodes: Readonly<Record<string, ProblemCode>> = {
  HPE_HEADER_OVERFLOW: 'headers-too-large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request-timeout',
}

/** Responds on the socket to a request that could not be parsed as HTTP. */
export function rejectMalformedRequest(error: Error & { code?: string }, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
  const code = parserCodes[error.code ?? ''] ?? 'malformed-request'
  const body = JSON.stringify(new Problem(code).body())
  const { status } = problems[code]
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  )
}
