import { randomBytes } from 'node:crypto'
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import fastify, { LogController } from 'fastify'
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import { validatorCompiler } from 'fastify-type-provider-zod'
import type { Asker } from '../supervisor/asked.ts'
import type { Supervisor } from '../supervisor/supervisor.ts'
import type { AuthSettings } from './auth.ts'
import { identify } from './auth.ts'
import { foreign } from './guard.ts'
import { openapiOptions } from './openapi.ts'
import { Problem } from './problem.ts'
import { answerGarbage, answerNotFound, answerProblem } from './refuse.ts'
import { healthRoutes } from './routes/health.ts'
import { historyRoutes } from './routes/history.ts'
import type { Offered } from './routes/templates.ts'
import { templateRoutes } from './routes/templates.ts'
import { workspaceRoutes } from './routes/workspaces.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks. On a route that is open to everybody nobody is set. */
    asker: Asker
  }
  interface FastifyContextConfig {
    /** Answered without a user. */
    open?: boolean
  }
}

export interface AppDeps {
  readonly supervisor: Supervisor
  readonly templates: ReadonlyMap<string, Offered>
  readonly defaultTemplate: string
  readonly auth: AuthSettings
  /** The name or address that the service is bound to. */
  readonly boundHost: string
  readonly version: string
  readonly log: FastifyBaseLogger
}

/** The API, without a server: `listen` or `inject` it. Closing it ends idle connections and waits for the requests under way. */
export async function buildApp(deps: AppDeps): Promise<FastifyInstance> {
  const { auth, boundHost, defaultTemplate, log, supervisor, templates, version } = deps
  const app = fastify({
    // No line per request, and none of the framework's own below a warning.
    loggerInstance: log.child({}, { level: quieter(log.level) }),
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: 'request' }),
    genReqId: () => randomBytes(8).toString('hex'),
    bodyLimit: 1024 * 1024,
    routerOptions: { maxParamLength: 256 },
    forceCloseConnections: 'idle',
    clientErrorHandler: (error, socket) => answerGarbage(error, socket),
    frameworkErrors: (error, request, reply) => void answerProblem(error, request, reply),
  })
  app.setValidatorCompiler(validatorCompiler)
  // What goes out is stringified plainly: validating it would cost lists three quarters of their speed. A test holds it to its schema.
  app.setSerializerCompiler(() => (body) => JSON.stringify(body))
  app.setErrorHandler(answerProblem)
  app.setNotFoundHandler((request, reply) => answerNotFound(app, request, reply))

  // A JSON content type with an empty body is what many clients send with DELETE and POST: it is the same as no body.
  const parse = app.getDefaultJsonParser('error', 'error')
  app.removeContentTypeParser(['application/json', 'text/plain'])
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) =>
    body === '' ? done(null, undefined) : parse(request, body.toString(), done),
  )

  app.decorateRequest('asker')
  app.addHook('onRequest', async (request, reply) => {
    void reply
      .header('x-request-id', request.id)
      .header('cache-control', 'no-store')
      .header('x-content-type-options', 'nosniff')
    const problem = foreign(request.method, request.headers, auth.mode, boundHost)
    if (problem) throw new Problem(problem)
    if (request.routeOptions.config.open === true || request.is404) return
    const asker = identify(request.headers, request.socket.remoteAddress ?? '', auth)
    if (!asker) throw new Problem('unauthenticated')
    request.asker = asker
  })
  app.addHook('onResponse', async ({ id, method, url }, { statusCode, elapsedTime }) => {
    log.debug({ request: id, method, url, status: statusCode, ms: Math.round(elapsedTime) }, 'answered')
  })

  await app.register(swagger, openapiOptions(version))
  await app.register(swaggerUi, { routePrefix: '/docs', staticCSP: true, uiConfig: { persistAuthorization: true } })
  app.get('/openapi.json', { config: { open: true }, schema: { hide: true } }, async () => app.swagger())
  await app.register(healthRoutes(supervisor, version))
  await app.register(
    async (api) => {
      await api.register(workspaceRoutes(supervisor))
      await api.register(historyRoutes(supervisor))
      await api.register(templateRoutes(templates.values(), defaultTemplate))
    },
    { prefix: '/api/v1' },
  )
  return app
}

function quieter(level: string): string {
  return ['error', 'fatal', 'silent'].includes(level) ? level : 'warn'
}
