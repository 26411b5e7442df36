import { randomBytes } from 'node:crypto'
import webSockets from '@fastify/websocket'
import fastify, { LogController } from 'fastify'
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import { validatorCompiler } from 'fastify-type-provider-zod'
import type { ZodType } from 'zod'
import type { Runtime } from '../runtime/runtime.ts'
import type { Supervisor } from '../supervisor/supervisor.ts'
import type { AuthSettings } from './server/authentication.ts'
import { authenticateCaller } from './server/authentication.ts'
import { registerJsonBodyParser } from './server/body-parser.ts'
import { registerApiDocs } from './server/openapi.ts'
import { sseStreams } from './server/server-sent-events.ts'
import { originGuard } from './server/origin-guard.ts'
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
import type { TicketStore } from './server/ticket-store.ts'
import { redactedUrl, ticketFromQuery, ticketStore } from './server/ticket-store.ts'

export interface AppDeps {
  readonly supervisor: Supervisor
  readonly runtime: Runtime
  readonly templates: ReadonlyMap<string, TemplateSource>
  readonly defaultTemplate: string
  /** By machine id. */
  readonly charts: ReadonlyMap<string, StatechartSource>
  readonly auth: AuthSettings
  /** The folder of the built console. */
  readonly consoleFolder: string
  /** The host name or address that the service is bound to. */
  readonly boundHost: string
  readonly version: string
  readonly metrics: MetricsSource
  /** Grants access to the metrics from any address; `null` restricts them to this machine. */
  readonly metricsToken: string | null
  readonly log: FastifyBaseLogger
  /** How long a streamed body may make no progress before it counts as truncated. Default: a minute. */
  readonly bodyIdleTimeoutMs?: number
}

/** Builds the API without listening: use `listen` or `inject`. `close` ends idle connections and waits for pending requests. */
export async function buildApp(deps: AppDeps): Promise<FastifyInstance> {
  const { auth, log, runtime, supervisor, version } = deps
  const server = apiServer()
  const app = createApp(server, log)
  app.addHook('preClose', async () => server.drain(runtime.closeSessions))
  const originProblem = originGuard(auth.mode, deps.boundHost)
  app.addHook('onRequest', (request, reply, done) => {
    setCommonHeaders(request, reply)
    if (server.shutdownSignal.aborted)
      throw new Problem('shutting-down', { headers: { 'retry-after': '5', connection: 'close' } })
    const problem = originProblem(request.raw)
    if (problem) throw new Problem(problem)
    done()
  })
  if (log.level === 'debug' || log.level === 'trace') logResponses(app, log)

  await registerApiDocs(app, version)
  await app.register(consoleRoutes(deps.consoleFolder))
  await app.register(metricsRoutes(deps.metrics, deps.metricsToken))
  await app.register(healthRoutes(supervisor, version, auth.mode === 'dev'))
  await app.register(webSockets, {
    options: { maxPayload: 1024 * 1024, server: server.upgradeServer },
    // After a disconnect or a protocol error the socket is closed already. Any other error is a bug.
    errorHandler(error, socket, request) {
      if (socket.readyState === socket.OPEN) log.error({ request: request.id, err: error }, 'WebSocket failed')
      if (socket.readyState === socket.OPEN) socket.terminate()
    },
    preClose: (done) => done(), // the drain closes them
  })
  app.decorateRequest('caller')
  await app.register(async (api) => registerApiRoutes(api, deps, server.shutdownSignal), { prefix: '/api/v1' })
  return app
}

function createApp(server: ReturnType<typeof apiServer>, log: FastifyBaseLogger): FastifyInstance {
  const app = fastify({
    loggerInstance: frameworkLogger(log),
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: requestIdGenerator(),
    bodyLimit: 1024 * 1024,
    routerOptions: { maxParamLength: 256 },
    serverFactory: (handler) => server.create(handler),
    clientErrorHandler: () => {}, // the server has its own
    return503OnClosing: false, // the onRequest hook responds with a problem instead
    frameworkErrors: (error, request, reply) => void sendProblem(error, request, reply),
  })
  // Path parameters are not validated: routes parse them where they use them.
  app.setValidatorCompiler<ZodType>((part) =>
    part.httpPart === 'params' ? (value) => ({ value }) : validatorCompiler(part),
  )
  // Responses are not validated: it would make lists four times slower. The tests validate every response.
  app.setSerializerCompiler(() => (body) => JSON.stringify(body))
  app.setErrorHandler(sendProblem)
  app.setNotFoundHandler((request, reply) => sendNotFound(app, request, reply))
  registerJsonBodyParser(app)
  return app
}

/** The routes below /api/v1, all of which need an authenticated caller. */
async function registerApiRoutes(api: FastifyInstance, deps: AppDeps, shutdownSignal: AbortSignal): Promise<void> {
  const { runtime, supervisor, bodyIdleTimeoutMs = defaultBodyIdleTimeoutMs } = deps
  const tickets = ticketStore()
  requireCaller(api, deps.auth, tickets)
  await api.register(workspaceRoutes(supervisor, runtime.lastActiveAt))
  await api.register(historyRoutes(supervisor))
  await api.register(logRoutes(runtime.logs, shutdownSignal))
  await api.register(fileRoutes(runtime.files, shutdownSignal, bodyIdleTimeoutMs))
  await api.register(fileUploadRoutes(runtime.files, bodyIdleTimeoutMs))
  await api.register(ticketRoutes(tickets))
  await api.register(execRoutes(runtime.execs, shutdownSignal))
  await api.register(shellRoutes(runtime.shells))
  await api.register(eventRoutes(supervisor, sseStreams(shutdownSignal)))
  await api.register(statechartRoutes(supervisor, deps.charts))
  await api.register(snapshotRoutes(supervisor))
  await api.register(orphanRoutes(supervisor))
  await api.register(operationRoutes(supervisor))
  await api.register(templateRoutes(deps.templates.values(), deps.defaultTemplate))
}

/** Authenticates every request by its user header, or a WebSocket by its ticket if it has one. */
function requireCaller(api: FastifyInstance, auth: AuthSettings, tickets: TicketStore): void {
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
}

const missingProxyUser =
  'The request has no user from a trusted proxy. The proxy must connect from an address in VM_API_TRUSTED_PROXIES and send X-VM-User, and X-VM-Proxy-Secret if a secret is configured.'

const invalidTicket =
  'The ticket is invalid: it was used, or is older than 30 seconds. Create a new one with POST /api/v1/tickets.'

function logResponses(app: FastifyInstance, log: FastifyBaseLogger): void {
  app.addHook('onResponse', async (request, { statusCode, elapsedTime }) => {
    const { id, method, params } = request
    const url = redactedUrl(request.url)
    log.debug(
      { request: id, method, url, ...workspaceLogField(params), status: statusCode, ms: Math.round(elapsedTime) },
      'request completed',
    )
  })
}

/** The id of the workspace in the path, for the log. */
function workspaceLogField(params: unknown): { workspace?: unknown } {
  return typeof params === 'object' && params !== null && 'id' in params ? { workspace: params.id } : {}
}

/** Ids of 16 hexadecimal digits: a random prefix of the process and a counter. A random id per request dominated the cost of a GET. */
function requestIdGenerator(): () => string {
  const processPrefix = randomBytes(4).toString('hex')
  let count = 0
  return () => {
    count = (count + 1) % 2 ** 32
    return processPrefix + count.toString(16).padStart(8, '0')
  }
}

/**
 * Fastify's logger: warnings and errors only. All requests share it, because a child logger per request would cost more than a whole GET;
 * log lines about a request carry its id instead.
 */
function frameworkLogger(log: FastifyBaseLogger): FastifyBaseLogger {
  const quietLogger = log.child({}, { level: ['error', 'fatal', 'silent'].includes(log.level) ? log.level : 'warn' })
  quietLogger.child = () => quietLogger
  return quietLogger
}
