import { isUtf8 } from 'node:buffer'
import type { Readable } from 'node:stream'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { clearBodyTimeout } from './body-timeout.ts'
import { Problem } from '../presenters/problem.ts'

/** Whatever walks through a deeper value by calling itself could run out of stack. */
const maxJsonDepth = 100

/** Makes the app take JSON and nothing else. An empty body of any type is no body: many clients send one with DELETE and POST. */
export function registerJsonBodyParser(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error')
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    if (body.length === 0) return done(null, undefined)
    if (request.headers['content-encoding'] !== undefined)
      return done(new Problem('unsupported-media-type', { error: 'Send the body as it is, without Content-Encoding.' }))
    // A character that is none would silently become another.
    if (typeof body === 'string' || !isUtf8(body))
      return done(new Problem('malformed-json', { error: 'The body is not valid UTF-8.' }))
    return parse(request, body.toString(), (error, value?: unknown) => done(error ?? jsonProblem(value), value))
  })
  app.addContentTypeParser('*', ({ headers }, _body, done) => {
    const empty = headers['content-length'] === '0' && headers['transfer-encoding'] === undefined
    return empty
      ? done(null, undefined)
      : done(new Problem('unsupported-media-type', { headers: { connection: 'close' } }))
  })
}

/** Makes all routes of a plugin take bodies of any type and length, as they come: see {@link requestBodyStream}. */
export function registerStreamBodyParser(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', ({ headers }, _body, done) =>
    headers['content-encoding'] === undefined
      ? done(null, undefined)
      : done(
          new Problem('unsupported-media-type', {
            error: 'Send the body as it is, without Content-Encoding.',
            headers: { connection: 'close' },
          }),
        ),
  )
}

/** The body of a request, to be read as fast as it is used. It may take any time from now on; one that is cut off fails. */
export function requestBodyStream({ raw }: Pick<FastifyRequest, 'raw'>): Readable {
  clearBodyTimeout(raw)
  return raw
}

/** What is well-formed JSON, and is refused all the same. Level by level, so that no depth is too deep for it. */
function jsonProblem(value: unknown): Problem | null {
  let level: object[] = isObject(value) ? [value] : []
  for (let depth = 1; level.length > 0; depth += 1) {
    if (depth > maxJsonDepth)
      return new Problem('malformed-json', { error: `The body is nested deeper than ${maxJsonDepth} levels.` })
    const next: object[] = []
    for (const parent of level)
      for (const child of Array.isArray(parent) ? parent : Object.values(parent)) {
        if (child === Infinity || child === -Infinity)
          return new Problem('malformed-json', { error: 'The body has a number that is too large.' })
        if (isObject(child)) next.push(child)
      }
    level = next
  }
  return null
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}
