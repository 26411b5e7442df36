import { mkdtempSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify'
import { pino } from 'pino'
import { onTestFinished } from 'vitest'
import { drawnCharts } from '../../src/chart/drawn.ts'
import type { ExecTimes } from '../../src/access/execs.ts'
import { openExecs } from '../../src/access/execs.ts'
import type { KeptLimits } from '../../src/access/kept-output.ts'
import { openRunBook } from '../../src/access/run-book.ts'
import { openShells } from '../../src/access/shells.ts'
import type { ShellTimes } from '../../src/access/shell-session.ts'
import { buildApp } from '../../src/http/app.ts'
import type { AuthSettings } from '../../src/http/auth.ts'
import { providerMeter } from '../../src/metrics/measured-provider.ts'
import { metrics } from '../../src/metrics/metrics.ts'
import type { OpenDatabase } from '../../src/persistence/database.ts'
import { openDatabase } from '../../src/persistence/database.ts'
import { execLog } from '../../src/persistence/exec-log.ts'
import { keptAnswers } from '../../src/persistence/idempotency.ts'
import { journal } from '../../src/persistence/journal.ts'
import { lifecycleOutput } from '../../src/persistence/lifecycle-output.ts'
import { workspaceList } from '../../src/persistence/workspace-list.ts'
import { workspaceStore } from '../../src/persistence/workspace-store.ts'
import type { Provider } from '../../src/provider/provider.ts'
import { processProvider } from '../../src/provider/process/process-provider.ts'
import { systemClock } from '../../src/supervisor/clock.ts'
import type { Supervisor } from '../../src/supervisor/supervisor.ts'
import { supervise } from '../../src/supervisor/supervisor.ts'
import { defaultTemplate, readTemplates } from '../../src/template/templates.ts'
import { type Owner, parseOwner } from '../../src/workspace/id.ts'
import type { Recipe } from '../../src/workspace/recipe.ts'
import type { FakeEngine } from '../provider/fake-provider.ts'
import { fakeEngine } from '../provider/fake-provider.ts'
import { conform } from './conform.ts'

/** A service as it is put together for real, but for the engine: a database in a file, and the app without a server. */
export interface World {
  readonly app: FastifyInstance
  readonly supervisor: Supervisor
  readonly engine: FakeEngine
  readonly database: OpenDatabase
  /** What was logged, one object a line. */
  readonly logged: readonly string[]
  /**
   * Asks as `alice` unless the headers say otherwise, and holds the answer to its schema. A body that is no string is sent as JSON.
   */
  ask(method: InjectOptions['method'], path: string, how?: Asking): Promise<LightMyRequestResponse>
  /** Creates a workspace as `alice` and answers it; a create that is refused is an error. */
  make(body?: object, headers?: Record<string, string>): Promise<Shown>
  /** Polls until a workspace is as said. */
  until(id: string, is: (shown: Shown) => boolean): Promise<Shown>
  /** Listens on a free port of the loopback, and answers it. */
  listen(): Promise<number>
  close(): Promise<void>
  /** Lines of a table; for what was left behind. */
  count(table: 'workspaces' | 'journal' | 'idempotency' | 'execs'): number
}

export interface Asking {
  /** `undefined` takes one away. */
  readonly headers?: Readonly<Record<string, string | undefined>>
  readonly body?: unknown
  /** Where the request comes from. */
  readonly from?: string
}

/** A workspace as a client reads it. */
export interface Shown {
  readonly id: string
  readonly name: string
  readonly status: string
  readonly state: string
  readonly [field: string]: unknown
}

export interface Setting {
  readonly auth?: Partial<AuthSettings>
  readonly boundHost?: string
  readonly metricsToken?: string
  /** How often the sweeps run; every few seconds, if nothing is said. */
  readonly intervalMs?: number
  /** Where the console was built to; none, if nothing is said. */
  readonly consoleFolder?: string
  /** True: workspaces run as plain processes, so that something can be done inside them; else they are imitated. */
  readonly real?: boolean
  /** How patient runs are, and how much of them is kept; else as ever. */
  readonly exec?: { readonly times?: Partial<ExecTimes>; readonly limits?: Partial<KeptLimits> }
  /** How patient shells are; else as ever. */
  readonly shellTimes?: Partial<ShellTimes>
  /** Workspaces run on a live engine, as its user `dev`, from an image that has no more than a shell. */
  readonly docker?: { readonly provider: Provider; readonly image: string }
  /** How long a streamed body may be idle; else as ever. */
  readonly idleBodyMs?: number
  /** What the template `base` runs when a workspace is made. */
  readonly postCreate?: string
  /** Puts something else in the supervisor's place. */
  readonly instead?: (supervisor: Supervisor) => Supervisor
}

const read = readTemplates(join(import.meta.dirname, '../../templates'))
if (read.kind === 'unreadable') throw new Error('the shipped templates cannot be read')
const { templates } = read

/** Opens a world for one test; it is closed when the test is over. */
export async function openWorld(setting: Setting = {}): Promise<World> {
  const world = await makeWorld(setting)
  onTestFinished(world.close)
  return world
}

/** Makes a world that somebody has to close. */
export async function makeWorld(setting: Setting = {}): Promise<World> {
  const {
    auth,
    boundHost = '127.0.0.1',
    consoleFolder,
    docker,
    idleBodyMs,
    instead,
    metricsToken = null,
    postCreate,
    real = false,
    shellTimes,
  } = setting
  const dir = mkdtempSync(join(tmpdir(), 'http-'))
  const database = openDatabase(join(dir, 'vm.db'))
  const logged: string[] = []
  const log = pino({ level: 'debug' }, { write: (line: string) => void logged.push(line) })
  const engine = fakeEngine()
  const { db } = database
  const measured = metrics()
  const provider = real
    ? processProvider({ root: join(dir, 'workspaces'), installation: 'here', log, graceMs: 1000 })
    : (docker?.provider ?? engine.provider())
  const offered = withBase({
    ...(postCreate !== undefined && { postCreate: [{ name: 'postCreateCommand', run: postCreate }] }),
    ...(docker && { image: docker.image, remoteUser: 'dev' }),
  })
  const runs = execLog(db)
  const book = openRunBook({ runs, now: systemClock.now, log })
  const supervisor = supervise({
    store: workspaceStore(db),
    journal: journal(db),
    answers: keptAnswers(db),
    runs,
    output: lifecycleOutput(db),
    list: workspaceList(db),
    templates: offered,
    defaultTemplate,
    provider: real ? 'process' : 'docker',
    providers: new Map([[real ? 'process' : 'docker', providerMeter(measured.registry)(provider)]]),
    observer: measured.observer,
    databaseTrouble: database.trouble,
    checkpoint: database.checkpoint,
    clock: systemClock,
    log,
    settings: {
      concurrency: 8,
      provisionerIntervalMs: setting.intervalMs ?? 5000,
      janitorIntervalMs: setting.intervalMs ?? 60_000,
      journalDays: 30,
    },
  })
  measured.watch({ ...supervisor, strays: () => supervisor.strays().length })
  const app = await buildApp({
    supervisor: instead ? instead(supervisor) : supervisor,
    execs: openExecs({ book, now: systemClock.now, ...setting.exec }),
    shells: openShells({ book: book.shells, ...(shellTimes && { times: shellTimes }) }),
    templates,
    defaultTemplate,
    charts: drawnCharts(join(import.meta.dirname, '../../docs/statecharts')),
    auth: { mode: 'dev', trusts: () => true, proxySecret: null, operators: new Set([owner('root')]), ...auth },
    consoleFolder: consoleFolder ?? join(dir, 'no-console'),
    boundHost,
    version: '1.2.3',
    metrics: measured,
    metricsToken,
    log,
    ...(idleBodyMs !== undefined && { idleBodyMs }),
  })
  await supervisor.rehydrated
  const world: World = {
    app,
    supervisor,
    engine,
    database,
    logged,
    async ask(method = 'GET', path, { headers, body, from } = {}) {
      const answer = await app.inject({
        method,
        url: path,
        headers: present({
          host: 'localhost:3000',
          'x-user': 'alice',
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        }),
        ...(from !== undefined && { remoteAddress: from }),
        ...(body !== undefined && { payload: typeof body === 'string' ? body : JSON.stringify(body) }),
      })
      conform(method, path, answer)
      return answer
    },
    async make(body = { name: 'one' }, headers = {}) {
      const answer = await world.ask('POST', '/api/v1/workspaces', { body, headers })
      if (answer.statusCode !== 200) throw new Error(`not created: ${answer.body}`)
      return answer.json<Shown>()
    },
    // Polled as clients do it: the API has no other way to wait.
    async until(id, is) {
      const shown = (
        await world.ask('GET', `/api/v1/workspaces/${id}`, { headers: { 'x-user': 'root' } })
      ).json<Shown>()
      if (is(shown)) return shown
      await new Promise((resolve) => setTimeout(resolve, 2))
      return world.until(id, is)
    },
    async listen() {
      await app.listen({ host: '127.0.0.1', port: 0 })
      return portOf(app)
    },
    async close() {
      await app.close()
      await supervisor.close()
      book.close()
      if (real || docker) await endAll(provider)
      database.close()
      rmSync(dir, { recursive: true })
    },
    count: (table) => Number(db.prepare(`SELECT count(*) FROM ${table}`).pluck().get()),
  }
  return world
}

function withBase(changes: Partial<Recipe>): typeof templates {
  const base = templates.get(defaultTemplate)
  if (!base) throw new Error('there is no default template')
  return new Map([...templates, [defaultTemplate, { ...base, recipe: { ...base.recipe, ...changes } }]])
}

/** Stopping a service leaves workspaces as they are; those of a test end with it. */
async function endAll(provider: Provider): Promise<void> {
  const { signal } = new AbortController()
  const found = await provider.inventory(signal)
  if (found.ok)
    await Promise.all(
      found.value.map(({ workspaceId, containerId }) => provider.remove(workspaceId, containerId, signal)),
    )
}

/** A user's name, for what takes only a checked one. */
export function owner(name: string): Owner {
  const parsed = parseOwner(name)
  if (!parsed) throw new Error(`${name} is no user's name`)
  return parsed
}

function present(headers: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  )
}

function portOf(app: FastifyInstance): number {
  const [address] = app.addresses() as AddressInfo[]
  if (!address) throw new Error('it does not listen')
  return address.port
}
