// Creates the parts of the service and connects them.
import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { BlockList } from 'node:net'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Logger } from 'pino'
import type { AddressRange } from './config/address.ts'
import { readRenderedCharts } from './chart/rendered-charts.ts'
import { openRuntime } from './runtime/runtime.ts'
import type { Config } from './config/config.ts'
import { buildApp } from './http/app.ts'
import { errorCodeOf, DatabaseError, explainDatabaseError } from './persistence/database-error.ts'
import { providerMetrics } from './metrics/provider-metrics.ts'
import type { Metrics } from './metrics/metrics.ts'
import { serviceMetrics } from './metrics/metrics.ts'
import type { OpenDatabase } from './persistence/database.ts'
import { openDatabase } from './persistence/database.ts'
import { installationStore } from './persistence/installation.ts'
import { databaseStores } from './persistence/stores.ts'
import type { ProviderChoice } from './provider-choice.ts'
import { chooseProvider } from './provider-choice.ts'
import { StartError } from './start-error.ts'
import { systemClock } from './workspace/clock.ts'
import type { SupervisorWithGuests } from './supervisor/supervisor.ts'
import { createSupervisor } from './supervisor/supervisor.ts'
import { describeTemplateProblems } from './template/template-problem.ts'
import { defaultTemplate, readTemplates } from './template/templates.ts'

export interface ServiceDeps {
  readonly config: Config
  /** For finding the container engine, as the Docker client does. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly home: string
  readonly log: Logger
}

export interface Service {
  readonly url: string
  /** The id that this installation's containers and networks carry as a label. */
  readonly installation: string
  readonly providerChoice: ProviderChoice
  /** Finishes running requests and stops. Workspaces keep running (law 12). */
  close(): Promise<void>
}

const moduleFolder = dirname(fileURLToPath(import.meta.url))

/** The version in package.json. */
export function serviceVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(join(moduleFolder, '../package.json'), 'utf8'))
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest
    ? String(manifest.version)
    : 'unknown'
}

/**
 * Starts the service. It listens at once, while stored workspaces are still being restored.
 * @throws {StartError | DatabaseError} when the service cannot start, with the next step. No lock or port is held then.
 */
export async function startService(deps: ServiceDeps): Promise<Service> {
  const { config, log } = deps
  warnAboutUnknownVariables(config, log)
  const definitions = {
    templates: loadTemplates(config, log),
    charts: loadCharts(join(moduleFolder, '../docs/statecharts')),
  }
  const database = openDatabase(config.dbPath)
  try {
    return await startOn(database, definitions, deps)
  } catch (error) {
    database.close()
    if (errorCodeOf(error)?.startsWith('SQLITE_') !== true) throw error
    throw new DatabaseError(`The database ${database.path} cannot be used: ${explainDatabaseError(error)}`, {
      cause: error,
    })
  }
}

interface Definitions {
  readonly templates: ReturnType<typeof loadTemplates>
  readonly charts: ReturnType<typeof loadCharts>
}

async function startOn(
  database: OpenDatabase,
  { templates, charts }: Definitions,
  { config, env, home, log }: ServiceDeps,
): Promise<Service> {
  if (database.migration.backup !== null) log.info(database.migration, 'migrated the database, after a backup')
  const installation = installationStore(database.db)
  const providerChoice = await chooseProvider({ config, env, home, log, installation })
  const metrics = serviceMetrics()
  const stores = databaseStores(database)
  const supervisor = superviseWorkspaces({ config, database, log, metrics, providerChoice, stores, templates })
  metrics.collectFrom({ ...supervisor, orphans: () => supervisor.orphans().length })
  const runtime = openRuntime({
    resolveWorkspace: supervisor.resolve,
    lifecycleOutput: supervisor.lifecycleOutput,
    subscribe: supervisor.subscribe,
    execLog: stores.execLog,
    clock: systemClock,
    log,
  })
  const app = await buildApp({
    supervisor,
    runtime,
    templates,
    defaultTemplate,
    charts,
    auth: {
      mode: config.auth,
      isTrustedProxy: addressMatcher(config.trustedProxies),
      proxySecret: config.proxySecret,
      operators: new Set(config.operators),
    },
    consoleFolder: join(moduleFolder, '../dist/console'),
    boundHost: config.bind.host,
    metrics,
    metricsToken: config.metricsToken,
    version: serviceVersion(),
    log,
  })
  void supervisor.rehydrated.then(runtime.killLeftoverShells)
  const close = async () => {
    await app.close()
    await supervisor.close()
    runtime.close()
    database.close()
  }
  try {
    await app.listen({ host: config.bind.host, port: config.bind.port })
  } catch (error) {
    await close()
    throw listenError(error, config)
  }
  const url = urlOf(app.server.address(), config.bind.host)
  const { name: provider, reason: why } = providerChoice
  log.info({ url, provider, why, database: database.path }, 'vm-api listens')
  return { url, installation: installation.id(), providerChoice, close }
}

interface SupervisionDeps {
  readonly config: Config
  readonly database: OpenDatabase
  readonly log: Logger
  readonly metrics: Metrics
  readonly providerChoice: ProviderChoice
  readonly stores: ReturnType<typeof databaseStores>
  readonly templates: Definitions['templates']
}

/** Creates the supervisor, on measured providers. */
function superviseWorkspaces(deps: SupervisionDeps): SupervisorWithGuests {
  const { config, database, log, metrics, providerChoice, stores, templates } = deps
  const measured = providerMetrics(metrics.registry)
  return createSupervisor({
    ...stores,
    templates,
    defaultTemplate,
    provider: providerChoice.name,
    providers: new Map([...providerChoice.providers].map(([name, provider]) => [name, measured(provider)])),
    observer: metrics.observer,
    databaseFault: database.fault,
    checkpoint: database.checkpoint,
    clock: systemClock,
    log,
    settings: {
      concurrency: config.provisionConcurrency,
      provisionerIntervalMs: config.provisionerIntervalMs,
      janitorIntervalMs: config.janitorIntervalMs,
      journalDays: config.journalDays,
    },
  })
}

function warnAboutUnknownVariables({ unknownVariables }: Config, log: Logger) {
  for (const { variable, suggestion } of unknownVariables) {
    const hint = suggestion === null ? '' : ` Did you mean ${suggestion}?`
    log.warn({ variable, suggestion }, `${variable} is not a setting of vm-api.${hint}`)
  }
}

function loadTemplates({ templatesDir }: Config, log: Logger) {
  const result = readTemplates(templatesDir ?? join(moduleFolder, '../templates'))
  if (result.kind === 'invalid') throw new StartError(describeTemplateProblems(result.problems))
  for (const { template, field, file, line } of result.ignoredFields)
    log.warn({ template, field, file, line }, 'ignored an unsupported field of a template')
  return result.templates
}

function loadCharts(folder: string) {
  try {
    return readRenderedCharts(folder)
  } catch (error) {
    throw new StartError(
      `The statecharts in ${folder} cannot be read: ${String(error)}. Reinstall vm-api, or generate them with: npm run charts`,
    )
  }
}

function addressMatcher(ranges: readonly AddressRange[]): (address: string) => boolean {
  const trusted = new BlockList()
  for (const { address, prefix, family } of ranges) trusted.addSubnet(address, prefix, family)
  return (address) => {
    const normalized = address.replace(/^::ffff:(?=\d+\.)/, '') // an IPv4 address on a dual-stack socket
    return trusted.check(normalized, normalized.includes(':') ? 'ipv6' : 'ipv4')
  }
}

function listenError(error: unknown, { bind }: Config): StartError {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
  const bindAddress = `${bind.host}:${bind.port}`
  if (code === 'EADDRINUSE')
    return new StartError(
      `Port ${bind.port} is in use. Stop the program that listens on ${bindAddress}, or set VM_API_BIND to another port.`,
    )
  if (code === 'EACCES')
    return new StartError(`Not permitted to listen on ${bindAddress}. Set VM_API_BIND to a port above 1023.`)
  return new StartError(
    `Cannot listen on ${bindAddress}: ${String(error)}. Set VM_API_BIND to an address of this machine.`,
  )
}

function urlOf(address: AddressInfo | string | null, host: string): string {
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}
