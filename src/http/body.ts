import { isUtf8 } from 'node:buffer'
import type { Readable } from 'node:stream'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { expectLongBody } from './body-deadline.ts'
import { Problem } from './problem.ts'

/** Whatever walks through a deeper value by calling itself could run out of stack. */
const deepest = 100

/** Makes the app take JSON and nothing else. An empty body of any type is no body: many clients send one with DELETE and POST. */
export function readBodies(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error')
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    if (body.length === 0) return done(null, undefined)
    if (request.headers['content-encoding'] !== undefined)
      return done(new Problem('unsupported-media-type', { error: 'Send the body as it is, without Content-Encoding.' }))
    // A character that is none would silently become another.
    if (typeof body === 'string' || !isUtf8(body))
      return done(new Problem('malformed-json', { error: 'The body is not valid UTF-8.' }))
    return parse(request, body.toString(), (error, value?: unknown) => done(error ?? strange(value), value))
  })
  app.addContentTypeParser('*', ({ headers }, _body, done) => {
    const empty = headers['content-length'] === '0' && headers['transfer-encoding'] === undefined
    return empty
      ? done(null, undefined)
      : done(new Problem('unsupported-media-type', { headers: { connection: 'close' } }))
  })
}

/** Makes all routes of a plugin take bodies of any type and length, as they come: see {@link streamIn}. */
export function streamBodies(app: FastifyInstance): void {
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
export function streamIn({ raw }: Pick<FastifyRequest, 'raw'>): Readable {
  expectLongBody(raw)
  return raw
}

/** What is well-formed JSON, and is refused all the same. Level by level, so that no depth is too deep for it. */
function strange(value: unknown): Problem | null {
  let level: object[] = isObject(value) ? [value] : []
  for (let depth = 1; level.length > 0; depth += 1) {
    if (depth > deepest)
      return new Problem('malformed-json', { error: `The body is nested deeper than ${deepest} levels.` })
    const next: object[] = []
    for (const outer of level)
      for (const it of Array.isArray(outer) ? outer : Object.values(outer)) {
        if (it === Infinity || it === -Infinity)
          return new Problem('malformed-json', { error: 'The body has a number that is too large.' })
        if (isObject(it)) next.push(it)
      }
    level = next
  }
  return null
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}
