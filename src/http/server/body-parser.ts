import { isUtf8 } from 'node:buffer'
import type { Readable } from 'node:stream'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { clearBodyTimeout } from './body-timeout.ts'
import { Problem } from '../presenters/problem.ts'

/** Recursive code that walks a deeper value could overflow the stack. */
const maxJsonDepth = 100

/** Makes the app accept JSON bodies only. An empty body of any type counts as no body: many clients send one with DELETE and POST. */
export function registerJsonBodyParser(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error')
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    if (body.length === 0) return done(null, undefined)
    if (request.headers['content-encoding'] !== undefined)
      return done(
        new Problem('unsupported-media-type', {
          error: 'Compressed bodies are not supported. Send the body without Content-Encoding.',
        }),
      )
    // Decoding would silently replace invalid bytes.
    if (typeof body === 'string' || !isUtf8(body))
      return done(new Problem('malformed-json', { error: 'The body is not valid UTF-8.' }))
    return parse(request, body.toString(), (error, value?: unknown) => done(error ?? jsonProblem(value), value))
  })
  app.addContentTypeParser('*', ({ headers }, _body, done) => {
    const isEmpty = headers['content-length'] === '0' && headers['transfer-encoding'] === undefined
    return isEmpty
      ? done(null, undefined)
      : done(new Problem('unsupported-media-type', { headers: { connection: 'close' } }))
  })
}

/** Makes all routes of a plugin accept bodies of any type and length as streams: see {@link requestBodyStream}. */
export function registerStreamBodyParser(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', ({ headers }, _body, done) =>
    headers['content-encoding'] === undefined
      ? done(null, undefined)
      : done(
          new Problem('unsupported-media-type', {
            error: 'Compressed bodies are not supported. Send the body without Content-Encoding.',
            headers: { connection: 'close' },
          }),
        ),
  )
}

/** The body of a request as a stream, with backpressure and without a timeout. A truncated body fails the stream. */
export function requestBodyStream({ raw }: Pick<FastifyRequest, 'raw'>): Readable {
  clearBodyTimeout(raw)
  return raw
}

/** The problem of well-formed JSON that is not accepted. Walks level by level, so that no depth overflows the stack. */
function jsonProblem(value: unknown): Problem | null {
  let level: object[] = isObject(value) ? [value] : []
  for (let depth = 1; level.length > 0; depth += 1) {
    if (depth > maxJsonDepth)
      return new Problem('malformed-json', { error: `The body is nested deeper than ${maxJsonDepth} levels.` })
    const next: object[] = []
    for (const parent of level)
      for (const child of Array.isArray(parent) ? parent : Object.values(parent)) {
        if (child === Infinity || child === -Infinity)
          return new Problem('malformed-json', { error: 'The body contains a number that is too large for a double.' })
        if (isObject(child)) next.push(child)
      }
    level = next
  }
  return null
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}
