import { randomBytes } from 'node:crypto'
import webSockets from '@fastify/websocket'
import fastify, { LogController } from 'fastify'
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import { validatorCompiler } from 'fastify-type-provider-zod'
import type { ZodType } from 'zod'
import type { Execs } from '../access/execs.ts'
import type { Shells } from '../access/shells.ts'
import type { Asker } from '../supervisor/asked.ts'
import type { Supervisor } from '../supervisor/supervisor.ts'
import type { AuthSettings } from './auth.ts'
import { identify } from './auth.ts'
import { readBodies } from './body.ts'
import { describeApi } from './docs-page.ts'
import { eventStreams } from './event-streams.ts'
import { foreign } from './guard.ts'
import { Problem } from './problem.ts'
import { answerNotFound, answerProblem, stamp } from './refuse.ts'
import { consoleRoutes } from './routes/console.ts'
import { eventRoutes } from './routes/events.ts'
import { execRoutes } from './routes/execs.ts'
import { fileUploadRoutes } from './routes/file-uploads.ts'
import { fileRoutes } from './routes/files.ts'
import { healthRoutes } from './routes/health.ts'
import { historyRoutes } from './routes/history.ts'
import { logRoutes } from './routes/logs.ts'
import type { Measured } from './routes/metrics.ts'
import { metricsRoutes } from './routes/metrics.ts'
import { operationRoutes } from './routes/operations.ts'
import { shellRoutes } from './routes/shells.ts'
import { snapshotRoutes } from './routes/snapshots.ts'
import type { Charted } from './routes/statecharts.ts'
import { statechartRoutes } from './routes/statecharts.ts'
import { strayRoutes } from './routes/strays.ts'
import type { Offered } from './routes/templates.ts'
import { templateRoutes } from './routes/templates.ts'
import { ticketRoutes } from './routes/tickets.ts'
import { workspaceRoutes } from './routes/workspaces.ts'
import { apiServer } from './server.ts'
import { idleBodyMs } from './streamed.ts'
import { loggedUrl, ticketIn, ticketOffice } from './tickets.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks; set below /api/v1. */
    asker: Asker
  }
}

export interface AppDeps {
  readonly supervisor: Supervisor
  readonly execs: Execs
  readonly shells: Shells
  readonly templates: ReadonlyMap<string, Offered>
  readonly defaultTemplate: string
  /** Of each machine, by its id. */
  readonly charts: ReadonlyMap<string, Charted>
  readonly auth: AuthSettings
  /** Where the console was built to. */
  readonly consoleFolder: string
  /** The name or address that the service is bound to. */
  readonly boundHost: string
  readonly version: string
  readonly metrics: Measured
  /** Who has it may read the metrics from anywhere; `null`: from this machine only. */
  readonly metricsToken: string | null
  readonly log: FastifyBaseLogger
  /** A streamed body of which nothing comes or is taken for so long counts as cut off; by default a minute. */
  readonly idleBodyMs?: number
}

/** The API, without a server: `listen` or `inject` it. Closing it ends idle connections and waits for the requests under way. */
export async function buildApp(deps: AppDeps): Promise<FastifyInstance> {
  const { auth, boundHost, charts, defaultTemplate, execs, log, shells, supervisor, templates, version } = deps
  const server = apiServer()
  const app = fastify({
    loggerInstance: frameworkLog(log),
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: requestIds(),
    bodyLimit: 1024 * 1024,
    routerOptions: { maxParamLength: 256 },
    serverFactory: (handler) => server.make(handler),
    clientErrorHandler: () => {}, // the server has its own
    return503OnClosing: false, // the hook below says it in our words
    frameworkErrors: (error, request, reply) => void answerProblem(error, request, reply),
  })
  // A path's parts are text whatever they are, and are read where they are used.
  app.setValidatorCompiler<ZodType>((part) =>
    part.httpPart === 'params' ? (value) => ({ value }) : validatorCompiler(part),
  )
  // What goes out is stringified plainly: validating it would cost lists three quarters of their speed. A test holds it to its schema.
  app.setSerializerCompiler(() => (body) => JSON.stringify(body))
  app.setErrorHandler(answerProblem)
  app.setNotFoundHandler((request, reply) => answerNotFound(app, request, reply))

  readBodies(app)

  app.addHook('preClose', async () =>
    server.drain(async () => void (await Promise.all([shells.close(), execs.close()]))),
  )
  app.decorateRequest('asker')
  app.addHook('onRequest', (request, reply, done) => {
    stamp(request, reply)
    if (server.ending.aborted)
      throw new Problem('shutting-down', { headers: { 'retry-after': '5', connection: 'close' } })
    const problem = foreign(request.raw, auth.mode, boundHost)
    if (problem) throw new Problem(problem)
    done()
  })
  if (log.level === 'debug' || log.level === 'trace')
    app.addHook('onResponse', async (request, { statusCode, elapsedTime }) => {
      const { id, method, params } = request
      const url = loggedUrl(request.url)
      log.debug(
        { request: id, method, url, ...workspaceIn(params), status: statusCode, ms: Math.round(elapsedTime) },
        'answered',
      )
    })

  await describeApi(app, version)
  await app.register(consoleRoutes(deps.consoleFolder))
  await app.register(metricsRoutes(deps.metrics, deps.metricsToken))
  await app.register(healthRoutes(supervisor, version, auth.mode === 'dev'))
  await app.register(webSockets, {
    options: { maxPayload: 1024 * 1024, server: server.upgrades },
    // A peer that broke off, or the rules: the socket is closed for it already. Anything else is a bug.
    errorHandler(error, socket, request) {
      if (socket.readyState === socket.OPEN) log.error({ request: request.id, err: error }, 'a WebSocket failed')
      if (socket.readyState === socket.OPEN) socket.terminate()
    },
    preClose: (done) => done(), // the drain ends them
  })
  const tickets = ticketOffice()
  await app.register(
    async (api) => {
      api.addHook('onRequest', (request, _reply, done) => {
        const ticket = request.ws ? ticketIn(request.query) : undefined
        const asker =
          ticket === undefined
            ? identify(request.headers, request.socket.remoteAddress ?? '', auth)
            : tickets.redeem(ticket)
        if (!asker && ticket !== undefined) throw new Problem('unauthenticated', { error: badTicket })
        if (!asker) throw new Problem('unauthenticated', auth.mode === 'proxy' ? { error: unsaid } : {})
        request.asker = asker
        done()
      })
      await api.register(workspaceRoutes(supervisor, execs.lastActive))
      await api.register(historyRoutes(supervisor))
      await api.register(logRoutes(supervisor, server.ending))
      await api.register(fileRoutes(supervisor, server.ending, deps.idleBodyMs ?? idleBodyMs))
      await api.register(fileUploadRoutes(supervisor, deps.idleBodyMs ?? idleBodyMs))
      await api.register(ticketRoutes(tickets))
      await api.register(execRoutes(supervisor, execs, server.ending))
      await api.register(shellRoutes(supervisor, shells))
      await api.register(eventRoutes(supervisor, eventStreams(server.ending)))
      await api.register(statechartRoutes(supervisor, charts))
      await api.register(snapshotRoutes(supervisor))
      await api.register(strayRoutes(supervisor))
      await api.register(operationRoutes(supervisor))
      await api.register(templateRoutes(templates.values(), defaultTemplate))
    },
    { prefix: '/api/v1' },
  )
  return app
}

const unsaid =
  'The proxy in front of vm-api did not say who asks. It has to send X-VM-User from an address in VM_API_TRUSTED_PROXIES, with the X-VM-Proxy-Secret if one is set.'

const badTicket =
  'The ticket is not valid: it was used, or is older than 30 seconds. Get a new one with POST /api/v1/tickets.'

/** The workspace that a request is about, for its line in the log. */
function workspaceIn(params: unknown): { workspace?: unknown } {
  return typeof params === 'object' && params !== null && 'id' in params ? { workspace: params.id } : {}
}

/** Sixteen hexadecimal digits each: half of them the process, half a count. Randomness for each request was the dearest part of a GET. */
function requestIds(): () => string {
  const process = randomBytes(4).toString('hex')
  let count = 0
  return () => {
    count = (count + 1) % 2 ** 32
    return process + count.toString(16).padStart(8, '0')
  }
}

/**
 * The framework's logger: nothing of its own below a warning. One for all requests, since one for each would cost more than all that a
 * GET does; what is logged of a request names it itself.
 */
function frameworkLog(log: FastifyBaseLogger): FastifyBaseLogger {
  const quiet = log.child({}, { level: ['error', 'fatal', 'silent'].includes(log.level) ? log.level : 'warn' })
  quiet.child = () => quiet
  return quiet
}
