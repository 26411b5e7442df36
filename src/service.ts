// Puts the service together: everything that it is made of is made here and handed on.
import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { BlockList } from 'node:net'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Logger } from 'pino'
import type { AddressRange } from './config/address.ts'
import { readRenderedCharts } from './chart/rendered-charts.ts'
import { openExecs } from './runtime/exec/execs.ts'
import type { WorkspaceAvailability } from './runtime/shell/leftover-shells.ts'
import { killLeftoverShells } from './runtime/shell/leftover-shells.ts'
import type { ExecRegistry } from './runtime/exec/exec-registry.ts'
import { openExecRegistry } from './runtime/exec/exec-registry.ts'
import { openShells } from './runtime/shell/shells.ts'
import type { Config } from './config/config.ts'
import { buildApp } from './http/app.ts'
import { errorCodeOf, DatabaseError, explainDatabaseError } from './persistence/database-error.ts'
import { providerMetrics } from './metrics/provider-metrics.ts'
import { serviceMetrics } from './metrics/metrics.ts'
import { openDatabase } from './persistence/database.ts'
import type { UnfinishedExec } from './persistence/exec-log.ts'
import { installationStore } from './persistence/installation.ts'
import { databaseStores } from './persistence/stores.ts'
import type { ProviderChoice } from './provider-choice.ts'
import { chooseProvider } from './provider-choice.ts'
import { StartError } from './start-error.ts'
import { systemClock } from './workspace/clock.ts'
import type { Supervisor } from './supervisor/supervisor.ts'
import { createSupervisor } from './supervisor/supervisor.ts'
import { describeTemplateProblems } from './template/template-problem.ts'
import { defaultTemplate, readTemplates } from './template/templates.ts'
import { parseOwner } from './workspace/id.ts'

export interface ServiceDeps {
  readonly config: Config
  /** For finding the container engine, as its own client does. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly home: string
  readonly log: Logger
}

export interface Service {
  readonly url: string
  /** Where workspaces run, and why there. */
  readonly providerChoice: ProviderChoice
  /** Ends requests and leaves the workspaces as they are (law 12). */
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
 * Starts the service and listens at once; stored workspaces come back to life while it answers already.
 * @throws {StartError | DatabaseError} when it cannot start, with what to do; nothing is held then.
 */
export async function startService({ config, env, home, log }: ServiceDeps): Promise<Service> {
  for (const { variable, suggestion } of config.unknownVariables)
    log.warn(
      { variable, meant: suggestion },
      `${variable} is no setting of vm-api${suggestion === null ? '' : `: is ${suggestion} meant?`}`,
    )
  const templates = loadTemplates(config, log)
  const charts = loadCharts(join(moduleFolder, '../docs/statecharts'))
  const database = openDatabase(config.dbPath)
  if (database.migration.backup !== null)
    log.info(database.migration, 'the database was migrated; a backup was taken before')
  try {
    const providerChoice = await chooseProvider({
      config,
      env,
      home,
      log,
      installation: installationStore(database.db),
    })
    const metrics = serviceMetrics()
    const instrument = providerMetrics(metrics.registry)
    const stores = databaseStores(database)
    const execRegistry = openExecRegistry({ execLog: stores.execLog, now: systemClock.now, log })
    const supervisor = createSupervisor({
      ...stores,
      templates,
      defaultTemplate,
      provider: providerChoice.name,
      providers: new Map([...providerChoice.providers].map(([name, provider]) => [name, instrument(provider)])),
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
    metrics.collectFrom({ ...supervisor, orphans: () => supervisor.orphans().length })
    const app = await buildApp({
      supervisor,
      execs: openExecs({ registry: execRegistry, now: systemClock.now }),
      shells: openShells({ registry: execRegistry.shells }),
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
      metrics: metrics,
      metricsToken: config.metricsToken,
      version: serviceVersion(),
      log,
    })
    const shutdown = new AbortController()
    void supervisor.rehydrated.then(() =>
      killLeftoverShells({ ...leftoverShellsOf(supervisor, execRegistry), log }, shutdown.signal),
    )
    const close = async () => {
      shutdown.abort()
      await app.close()
      await supervisor.close()
      execRegistry.close()
      database.close()
    }
    try {
      await app.listen({ host: config.bind.host, port: config.bind.port })
    } catch (error) {
      await close()
      throw listenError(error, config)
    }
    const url = urlOf(app.server.address(), config.bind.host)
    log.info(
      { url, provider: providerChoice.name, why: providerChoice.reason, database: database.path },
      'vm-api listens',
    )
    return { url, providerChoice: providerChoice, close }
  } catch (error) {
    database.close()
    if (errorCodeOf(error)?.startsWith('SQLITE_') !== true) throw error
    throw new DatabaseError(`The database ${database.path} cannot be used: ${explainDatabaseError(error)}`, {
      cause: error,
    })
  }
}

/** What a service that was killed has left, and where. */
function leftoverShellsOf(supervisor: Supervisor, execRegistry: ExecRegistry) {
  return {
    leftovers: execRegistry.leftShells,
    onEnded: ({ workspace, execId }: UnfinishedExec) =>
      execRegistry.shells.recordEnd(workspace, execId, { kind: 'lost', message: 'lost' }),
    availabilityOf({ workspace, owner }: UnfinishedExec): WorkspaceAvailability {
      const caller = parseOwner(owner)
      const resolved = caller && supervisor.resolve(workspace, { owner: caller, operator: false })
      if (resolved?.kind !== 'found') return { kind: 'down' }
      if (resolved.ready) return { ...resolved, kind: 'up' }
      return { kind: resolved.settled ? 'down' : 'between' }
    },
  }
}

function loadTemplates({ templatesDir }: Config, log: Logger) {
  const result = readTemplates(templatesDir ?? join(moduleFolder, '../templates'))
  if (result.kind === 'unreadable') throw new StartError(describeTemplateProblems(result.problems))
  for (const { template, field, file, line } of result.ignoredFields)
    log.warn({ template, field, file, line }, 'a field of a template means nothing here and is passed over')
  return result.templates
}

function loadCharts(folder: string) {
  try {
    return readRenderedCharts(folder)
  } catch (error) {
    throw new StartError(
      `The statecharts in ${folder} cannot be read: ${String(error)}. They come with vm-api: install it whole, or write them anew with npm run charts.`,
    )
  }
}

function addressMatcher(ranges: readonly AddressRange[]): (address: string) => boolean {
  const trusted = new BlockList()
  for (const { address, prefix, family } of ranges) trusted.addSubnet(address, prefix, family)
  return (address) => {
    const normalized = address.replace(/^::ffff:(?=\d+\.)/, '') // IPv4 on a socket that also listens for IPv6
    return trusted.check(normalized, normalized.includes(':') ? 'ipv6' : 'ipv4')
  }
}

function listenError(error: unknown, { bind }: Config): StartError {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
  const bindAddress = `${bind.host}:${bind.port}`
  if (code === 'EADDRINUSE')
    return new StartError(
      `Port ${bind.port} is in use. Stop what listens on ${bindAddress}, or set VM_API_BIND to another port.`,
    )
  if (code === 'EACCES')
    return new StartError(`This user may not listen on ${bindAddress}. Set VM_API_BIND to a port above 1023.`)
  return new StartError(
    `Cannot listen on ${bindAddress}: ${String(error)}. Set VM_API_BIND to an address of this machine.`,
  )
}

function urlOf(address: AddressInfo | string | null, host: string): string {
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}
