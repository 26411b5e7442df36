import { randomBytes } from 'node:crypto'
import webSockets from '@fastify/websocket'
import fastify, { LogController } from 'fastify'
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import { validatorCompiler } from 'fastify-type-provider-zod'
import type { ZodType } from 'zod'
import type { Execs } from '../runtime/exec/execs.ts'
import type { Shells } from '../runtime/shell/shells.ts'
import type { Caller } from '../supervisor/admission.ts'
import type { Supervisor } from '../supervisor/supervisor.ts'
import type { AuthSettings } from './server/authentication.ts'
import { authenticateCaller } from './server/authentication.ts'
import { registerJsonBodyParser } from './server/body-parser.ts'
import { registerApiDocs } from './server/api-docs.ts'
import { sseStreams } from './server/server-sent-events.ts'
import { originProblem } from './server/origin-guard.ts'
import { Problem } from './presenters/problem.ts'
import { sendNotFound, sendProblem, setCommonHeaders } from './server/error-handler.ts'
import { consoleRoutes } from './routes/console.ts'
import { eventRoutes } from './routes/events.ts'
import { execRoutes } from './routes/workspace/exec.ts'
import { fileUploadRoutes } from './routes/workspace/file-uploads.ts'
import { fileRoutes } from './routes/workspace/files.ts'
import { healthRoutes } from './routes/health.ts'
import { historyRoutes } from './routes/workspace/history.ts'
import { logRoutes } from './routes/workspace/logs.ts'
import type { MetricsSource } from './routes/metrics.ts'
import { metricsRoutes } from './routes/metrics.ts'
import { operationRoutes } from './routes/operations.ts'
import { shellRoutes } from './routes/workspace/shell.ts'
import { snapshotRoutes } from './routes/workspace/snapshot.ts'
import type { StatechartSource } from './routes/statecharts.ts'
import { statechartRoutes } from './routes/statecharts.ts'
import { orphanRoutes } from './routes/orphans.ts'
import type { TemplateSource } from './routes/templates.ts'
import { templateRoutes } from './routes/templates.ts'
import { ticketRoutes } from './routes/tickets.ts'
import { workspaceRoutes } from './routes/workspaces.ts'
import { apiServer } from './server/server.ts'
import { defaultBodyIdleTimeoutMs } from './server/body-streams.ts'
import { redactedUrl, ticketFromQuery, ticketStore } from './server/ticket-store.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks; set below /api/v1. */
    caller: Caller
  }
}

export interface AppDeps {
  readonly supervisor: Supervisor
  readonly execs: Execs
  readonly shells: Shells
  readonly templates: ReadonlyMap<string, TemplateSource>
  readonly defaultTemplate: string
  /** Of each machine, by its id. */
  readonly charts: ReadonlyMap<string, StatechartSource>
  readonly auth: AuthSettings
  /** Where the console was built to. */
  readonly consoleFolder: string
  /** The name or address that the service is bound to. */
  readonly boundHost: string
  readonly version: string
  readonly metrics: MetricsSource
  /** Who has it may read the metrics from anywhere; `null`: from this machine only. */
  readonly metricsToken: string | null
  readonly log: FastifyBaseLogger
  /** A streamed body of which nothing comes or is taken for so long counts as cut off; by default a minute. */
  readonly bodyIdleTimeoutMs?: number
}

/** The API, without a server: `listen` or `inject` it. Closing it ends idle connections and waits for the requests under way. */
export async function buildApp(deps: AppDeps): Promise<FastifyInstance> {
  const { auth, boundHost, charts, defaultTemplate, execs, log, shells, supervisor, templates, version } = deps
  const server = apiServer()
  const app = fastify({
    loggerInstance: frameworkLogger(log),
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: requestIdGenerator(),
    bodyLimit: 1024 * 1024,
    routerOptions: { maxParamLength: 256 },
    serverFactory: (handler) => server.create(handler),
    clientErrorHandler: () => {}, // the server has its own
    return503OnClosing: false, // the hook below says it in our words
    frameworkErrors: (error, request, reply) => void sendProblem(error, request, reply),
  })
  // A path's parts are text whatever they are, and are read where they are used.
  app.setValidatorCompiler<ZodType>((part) =>
    part.httpPart === 'params' ? (value) => ({ value }) : validatorCompiler(part),
  )
  // What goes out is stringified plainly: validating it would cost lists three quarters of their speed. A test holds it to its schema.
  app.setSerializerCompiler(() => (body) => JSON.stringify(body))
  app.setErrorHandler(sendProblem)
  app.setNotFoundHandler((request, reply) => sendNotFound(app, request, reply))

  registerJsonBodyParser(app)

  app.addHook('preClose', async () =>
    server.drain(async () => void (await Promise.all([shells.close(), execs.close()]))),
  )
  app.decorateRequest('caller')
  app.addHook('onRequest', (request, reply, done) => {
    setCommonHeaders(request, reply)
    if (server.shutdownSignal.aborted)
      throw new Problem('shutting-down', { headers: { 'retry-after': '5', connection: 'close' } })
    const problem = originProblem(request.raw, auth.mode, boundHost)
    if (problem) throw new Problem(problem)
    done()
  })
  if (log.level === 'debug' || log.level === 'trace')
    app.addHook('onResponse', async (request, { statusCode, elapsedTime }) => {
      const { id, method, params } = request
      const url = redactedUrl(request.url)
      log.debug(
        { request: id, method, url, ...workspaceLogField(params), status: statusCode, ms: Math.round(elapsedTime) },
        'answered',
      )
    })

  await registerApiDocs(app, version)
  await app.register(consoleRoutes(deps.consoleFolder))
  await app.register(metricsRoutes(deps.metrics, deps.metricsToken))
  await app.register(healthRoutes(supervisor, version, auth.mode === 'dev'))
  await app.register(webSockets, {
    options: { maxPayload: 1024 * 1024, server: server.upgradeServer },
    // A peer that broke off, or the rules: the socket is closed for it already. Anything else is a bug.
    errorHandler(error, socket, request) {
      if (socket.readyState === socket.OPEN) log.error({ request: request.id, err: error }, 'a WebSocket failed')
      if (socket.readyState === socket.OPEN) socket.terminate()
    },
    preClose: (done) => done(), // the drain ends them
  })
  const tickets = ticketStore()
  await app.register(
    async (api) => {
      api.addHook('onRequest', (request, _reply, done) => {
        const ticket = request.ws ? ticketFromQuery(request.query) : undefined
        const caller =
          ticket === undefined
            ? authenticateCaller(request.headers, request.socket.remoteAddress ?? '', auth)
            : tickets.redeem(ticket)
        if (!caller && ticket !== undefined) throw new Problem('unauthenticated', { error: invalidTicket })
        if (!caller) throw new Problem('unauthenticated', auth.mode === 'proxy' ? { error: missingProxyUser } : {})
        request.caller = caller
        done()
      })
      await api.register(workspaceRoutes(supervisor, execs.lastActiveAt))
      await api.register(historyRoutes(supervisor))
      await api.register(logRoutes(supervisor, server.shutdownSignal))
      await api.register(
        fileRoutes(supervisor, server.shutdownSignal, deps.bodyIdleTimeoutMs ?? defaultBodyIdleTimeoutMs),
      )
      await api.register(fileUploadRoutes(supervisor, deps.bodyIdleTimeoutMs ?? defaultBodyIdleTimeoutMs))
      await api.register(ticketRoutes(tickets))
      await api.register(execRoutes(supervisor, execs, server.shutdownSignal))
      await api.register(shellRoutes(supervisor, shells))
      await api.register(eventRoutes(supervisor, sseStreams(server.shutdownSignal)))
      await api.register(statechartRoutes(supervisor, charts))
      await api.register(snapshotRoutes(supervisor))
      await api.register(orphanRoutes(supervisor))
      await api.register(operationRoutes(supervisor))
      await api.register(templateRoutes(templates.values(), defaultTemplate))
    },
    { prefix: '/api/v1' },
  )
  return app
}

const missingProxyUser =
  'The proxy in front of vm-api did not say who asks. It has to send X-VM-User from an address in VM_API_TRUSTED_PROXIES, with the X-VM-Proxy-Secret if one is set.'

const invalidTicket =
  'The ticket is not valid: it was used, or is older than 30 seconds. Get a new one with POST /api/v1/tickets.'

/** The workspace that a request is about, for its line in the log. */
function workspaceLogField(params: unknown): { workspace?: unknown } {
  return typeof params === 'object' && params !== null && 'id' in params ? { workspace: params.id } : {}
}

/** Sixteen hexadecimal digits each: half of them the process, half a count. Randomness for each request was the dearest part of a GET. */
function requestIdGenerator(): () => string {
  const processPrefix = randomBytes(4).toString('hex')
  let count = 0
  return () => {
    count = (count + 1) % 2 ** 32
    return processPrefix + count.toString(16).padStart(8, '0')
  }
}

/**
 * The framework's logger: nothing of its own below a warning. One for all requests, since one for each would cost more than all that a
 * GET does; what is logged of a request names it itself.
 */
function frameworkLogger(log: FastifyBaseLogger): FastifyBaseLogger {
  const quietLogger = log.child({}, { level: ['error', 'fatal', 'silent'].includes(log.level) ? log.level : 'warn' })
  quietLogger.child = () => quietLogger
  return quietLogger
}
