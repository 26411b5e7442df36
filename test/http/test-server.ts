import { mkdtempSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify'
import { pino } from 'pino'
import { onTestFinished } from 'vitest'
import { readRenderedCharts } from '../../src/chart/rendered-charts.ts'
import type { RuntimeDeps } from '../../src/runtime/runtime.ts'
import { openRuntime } from '../../src/runtime/runtime.ts'
import { buildApp } from '../../src/http/app.ts'
import type { AuthSettings } from '../../src/http/server/authentication.ts'
import { providerMetrics } from '../../src/metrics/provider-metrics.ts'
import { serviceMetrics } from '../../src/metrics/metrics.ts'
import type { OpenDatabase } from '../../src/persistence/database.ts'
import { openDatabase } from '../../src/persistence/database.ts'
import { execLog } from '../../src/persistence/exec-log.ts'
import { storedResponses } from '../../src/persistence/stored-responses.ts'
import { journal } from '../../src/persistence/journal.ts'
import { lifecycleOutputStore } from '../../src/persistence/lifecycle-output-store.ts'
import { workspaceList } from '../../src/persistence/workspace-list.ts'
import { workspaceStore } from '../../src/persistence/workspace-store.ts'
import type { Provider } from '../../src/provider/provider.ts'
import { processProvider } from '../../src/provider/process/process-provider.ts'
import { systemClock } from '../../src/workspace/clock.ts'
import type { Supervisor } from '../../src/supervisor/supervisor.ts'
import { createSupervisor } from '../../src/supervisor/supervisor.ts'
import { defaultTemplate, readTemplates } from '../../src/template/templates.ts'
import { type Owner, parseOwner } from '../../src/workspace/id.ts'
import type { WorkspaceSpec } from '../../src/workspace/spec.ts'
import type { FakeEngine } from '../provider/fake/fake-provider.ts'
import { fakeEngine } from '../provider/fake/fake-provider.ts'
import { expectSchema } from './response-schema.ts'

/** A real service except for the engine: with a database file, and an app that does not listen. */
export interface TestServer {
  readonly app: FastifyInstance
  readonly supervisor: Supervisor
  readonly engine: FakeEngine
  readonly database: OpenDatabase
  /** Log lines, as JSON. */
  readonly logged: readonly string[]
  /**
   * Sends a request as `alice`, unless the headers name another user, and checks the response against its schema. A body that is not a
   * string is sent as JSON.
   */
  inject(method: InjectOptions['method'], path: string, options?: InjectOverrides): Promise<LightMyRequestResponse>
  /** Creates a workspace as `alice`; rejects if the request fails. */
  createWorkspace(body?: object, headers?: Record<string, string>): Promise<WorkspaceBody>
  /** Polls until a workspace meets the condition. */
  waitFor(id: string, condition: (body: WorkspaceBody) => boolean): Promise<WorkspaceBody>
  /** Listens on a free port of the loopback interface, and returns the port. */
  listen(): Promise<number>
  close(): Promise<void>
  /** Number of rows in a table. */
  count(table: 'workspaces' | 'journal' | 'idempotency' | 'execs'): number
}

export interface InjectOverrides {
  /** `undefined` removes a default header. */
  readonly headers?: Readonly<Record<string, string | undefined>>
  readonly body?: unknown
  /** Remote address of the request. */
  readonly from?: string
}

/** A workspace in a response. */
export interface WorkspaceBody {
  readonly id: string
  readonly name: string
  readonly status: string
  readonly state: string
  readonly ready: boolean
  readonly settled: boolean
  readonly [field: string]: unknown
}

export interface TestServerOptions {
  readonly auth?: Partial<AuthSettings>
  readonly boundHost?: string
  readonly metricsToken?: string
  /** Interval of the sweeps. Default: the production intervals. */
  readonly intervalMs?: number
  /** Folder of the built console. Default: not built. */
  readonly consoleFolder?: string
  /** True: workspaces are real processes, for tests of their guests. Default: the fake engine. */
  readonly realProcesses?: boolean
  /** Timeouts and output limits of exec sessions. Default: the production values. */
  readonly exec?: NonNullable<RuntimeDeps['exec']>
  /** Timeouts of shells. Default: the production values. */
  readonly shellTimeouts?: NonNullable<RuntimeDeps['shellTimeouts']>
  /** A real engine: workspaces run as user `dev`, from an image with little more than a shell. */
  readonly docker?: { readonly provider: Provider; readonly image: string }
  /** Idle timeout of streamed bodies. Default: the production value. */
  readonly idleBodyMs?: number
  /** `postCreateCommand` of the template `base`. */
  readonly postCreate?: string
  /** Replaces or wraps the supervisor. */
  readonly wrapSupervisor?: (supervisor: Supervisor) => Supervisor
}

const readResult = readTemplates(join(import.meta.dirname, '../../templates'))
if (readResult.kind === 'invalid') throw new Error('the shipped templates cannot be read')
const { templates } = readResult

/** Opens a server that is closed when the current test finishes. */
export async function openTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  const testServer = await createTestServer(options)
  onTestFinished(testServer.close)
  return testServer
}

/** Opens a server that the caller must close. */
export async function createTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  const {
    auth,
    boundHost = '127.0.0.1',
    consoleFolder,
    docker,
    idleBodyMs,
    wrapSupervisor,
    metricsToken = null,
    postCreate,
    realProcesses = false,
    shellTimeouts,
  } = options
  const dir = mkdtempSync(join(tmpdir(), 'http-'))
  const database = openDatabase(join(dir, 'vm.db'))
  const logged: string[] = []
  const log = pino({ level: 'debug' }, { write: (line: string) => void logged.push(line) })
  const engine = fakeEngine()
  const { db } = database
  const metrics = serviceMetrics()
  const provider = realProcesses
    ? processProvider({ root: join(dir, 'workspaces'), installation: 'here', log, graceMs: 1000 })
    : (docker?.provider ?? engine.provider())
  const offeredTemplates = templatesWithBase({
    ...(postCreate !== undefined && { postCreate: [{ name: 'postCreateCommand', run: postCreate }] }),
    ...(docker && { image: docker.image, remoteUser: 'dev' }),
  })
  const execLogs = execLog(db)
  const supervisor = createSupervisor({
    store: workspaceStore(db),
    journal: journal(db),
    storedResponses: storedResponses(db),
    execLog: execLogs,
    lifecycleOutput: lifecycleOutputStore(db),
    list: workspaceList(db),
    templates: offeredTemplates,
    defaultTemplate,
    provider: realProcesses ? 'process' : 'docker',
    providers: new Map([[realProcesses ? 'process' : 'docker', providerMetrics(metrics.registry)(provider)]]),
    observer: metrics.observer,
    databaseFault: database.fault,
    checkpoint: database.checkpoint,
    clock: systemClock,
    log,
    settings: {
      concurrency: 8,
      provisionerIntervalMs: options.intervalMs ?? 5000,
      janitorIntervalMs: options.intervalMs ?? 60_000,
      journalDays: 30,
    },
  })
  metrics.collectFrom({ ...supervisor, orphans: () => supervisor.orphans().length })
  const offeredSupervisor = wrapSupervisor?.(supervisor) ?? supervisor
  const runtime = openRuntime({
    resolveWorkspace: supervisor.resolve,
    lifecycleOutput: offeredSupervisor.lifecycleOutput,
    subscribe: offeredSupervisor.subscribe,
    execLog: execLogs,
    clock: systemClock,
    log,
    ...(options.exec && { exec: options.exec }),
    ...(shellTimeouts && { shellTimeouts }),
  })
  const app = await buildApp({
    supervisor: offeredSupervisor,
    runtime,
    templates,
    defaultTemplate,
    charts: readRenderedCharts(join(import.meta.dirname, '../../docs/statecharts')),
    auth: {
      mode: 'dev',
      isTrustedProxy: () => true,
      proxySecret: null,
      operators: new Set([ownerOf('root')]),
      ...auth,
    },
    consoleFolder: consoleFolder ?? join(dir, 'no-console'),
    boundHost,
    version: '1.2.3',
    metrics,
    metricsToken,
    log,
    ...(idleBodyMs !== undefined && { bodyIdleTimeoutMs: idleBodyMs }),
  })
  await supervisor.rehydrated
  const testServer: TestServer = {
    app,
    supervisor,
    engine,
    database,
    logged,
    async inject(method = 'GET', path, { headers, body, from } = {}) {
      const response = await app.inject({
        method,
        url: path,
        headers: definedHeaders({
          host: 'localhost:3000',
          'x-user': 'alice',
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        }),
        ...(from !== undefined && { remoteAddress: from }),
        ...(body !== undefined && { payload: typeof body === 'string' ? body : JSON.stringify(body) }),
      })
      expectSchema(method, path, response)
      return response
    },
    async createWorkspace(body = { name: 'one' }, headers = {}) {
      const response = await testServer.inject('POST', '/api/v1/workspaces', { body, headers })
      if (response.statusCode !== 200) throw new Error(`not created: ${response.body}`)
      return response.json<WorkspaceBody>()
    },
    // Polled, as clients do.
    async waitFor(id, condition) {
      const body = (
        await testServer.inject('GET', `/api/v1/workspaces/${id}`, { headers: { 'x-user': 'root' } })
      ).json<WorkspaceBody>()
      if (condition(body)) return body
      await new Promise((resolve) => setTimeout(resolve, 2))
      return testServer.waitFor(id, condition)
    },
    async listen() {
      await app.listen({ host: '127.0.0.1', port: 0 })
      return portOf(app)
    },
    async close() {
      await app.close()
      await supervisor.close()
      runtime.close()
      if (realProcesses || docker) await removeAllContainers(provider)
      database.close()
      rmSync(dir, { recursive: true })
    },
    count: (table) => Number(db.prepare(`SELECT count(*) FROM ${table}`).pluck().get()),
  }
  return testServer
}

function templatesWithBase(changes: Partial<WorkspaceSpec>): typeof templates {
  const base = templates.get(defaultTemplate)
  if (!base) throw new Error('the default template is missing')
  return new Map([...templates, [defaultTemplate, { ...base, spec: { ...base.spec, ...changes } }]])
}

/** Stopping the service does not affect workspaces, so a test removes its own. */
async function removeAllContainers(provider: Provider): Promise<void> {
  const { signal } = new AbortController()
  const containers = await provider.list(signal)
  if (containers.ok)
    await Promise.all(
      containers.value.map(({ workspaceId, containerId }) => provider.remove(workspaceId, containerId, signal)),
    )
}

/** Parses a user name. */
export function ownerOf(name: string): Owner {
  const parsed = parseOwner(name)
  if (!parsed) throw new Error(`invalid user name: ${name}`)
  return parsed
}

function definedHeaders(headers: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  )
}

function portOf(app: FastifyInstance): number {
  const [address] = app.addresses() as AddressInfo[]
  if (!address) throw new Error('the app does not listen')
  return address.port
}
