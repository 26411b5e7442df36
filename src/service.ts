// Puts the service together: everything that it is made of is made here and handed on.
import { readFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { BlockList } from 'node:net'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Logger } from 'pino'
import type { AddressRange } from './config/address.ts'
import { drawnCharts } from './chart/drawn.ts'
import { openExecs } from './access/execs.ts'
import type { Standing } from './access/left-shells.ts'
import { endLeftShells } from './access/left-shells.ts'
import type { RunBook } from './access/run-book.ts'
import { openRunBook } from './access/run-book.ts'
import { openShells } from './access/shells.ts'
import type { Config } from './config.ts'
import { buildApp } from './http/app.ts'
import { codeOf, DatabaseError, explain } from './persistence/database-error.ts'
import { providerMeter } from './metrics/measured-provider.ts'
import { metrics } from './metrics/metrics.ts'
import { openDatabase } from './persistence/database.ts'
import type { LeftRun } from './persistence/exec-log.ts'
import { installation } from './persistence/installation.ts'
import { storesOf } from './persistence/stores.ts'
import type { Choice } from './provider-choice.ts'
import { chooseProvider } from './provider-choice.ts'
import { StartError } from './start-error.ts'
import { systemClock } from './supervisor/clock.ts'
import type { Supervisor } from './supervisor/supervisor.ts'
import { supervise } from './supervisor/supervisor.ts'
import { describeTemplateProblems } from './template/problem.ts'
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
  readonly choice: Choice
  /** Ends requests and leaves the workspaces as they are (law 12). */
  close(): Promise<void>
}

const here = dirname(fileURLToPath(import.meta.url))

/** The version in package.json. */
export function serviceVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(join(here, '../package.json'), 'utf8'))
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest
    ? String(manifest.version)
    : 'unknown'
}

/**
 * Starts the service and listens at once; stored workspaces come back to life while it answers already.
 * @throws {StartError | DatabaseError} when it cannot start, with what to do; nothing is held then.
 */
export async function startService({ config, env, home, log }: ServiceDeps): Promise<Service> {
  for (const { variable, meant } of config.unknown)
    log.warn({ variable, meant }, `${variable} is no setting of vm-api${meant === null ? '' : `: is ${meant} meant?`}`)
  const templates = templatesOf(config, log)
  const charts = chartsOf(join(here, '../docs/statecharts'))
  const database = openDatabase(config.dbPath)
  if (database.migrated.backup !== null)
    log.info(database.migrated, 'the database was migrated; a backup was taken before')
  try {
    const chosen = await chooseProvider({ config, env, home, log, installation: installation(database.db) })
    const measured = metrics()
    const measure = providerMeter(measured.registry)
    const stores = storesOf(database)
    const book = openRunBook({ runs: stores.runs, now: systemClock.now, log })
    const supervisor = supervise({
      ...stores,
      templates,
      defaultTemplate,
      provider: chosen.name,
      providers: new Map([...chosen.providers].map(([name, provider]) => [name, measure(provider)])),
      observer: measured.observer,
      databaseTrouble: database.trouble,
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
    measured.watch({ ...supervisor, strays: () => supervisor.strays().length })
    const app = await buildApp({
      supervisor,
      execs: openExecs({ book, now: systemClock.now }),
      shells: openShells({ book: book.shells }),
      templates,
      defaultTemplate,
      charts,
      auth: {
        mode: config.auth,
        trusts: trustIn(config.trustedProxies),
        proxySecret: config.proxySecret,
        operators: new Set(config.operators),
      },
      consoleFolder: join(here, '../dist/console'),
      boundHost: config.bind.host,
      metrics: measured,
      metricsToken: config.metricsToken,
      version: serviceVersion(),
      log,
    })
    const leaving = new AbortController()
    void supervisor.rehydrated.then(() => endLeftShells({ ...left(supervisor, book), log }, leaving.signal))
    const close = async () => {
      leaving.abort()
      await app.close()
      await supervisor.close()
      book.close()
      database.close()
    }
    try {
      await app.listen({ host: config.bind.host, port: config.bind.port })
    } catch (error) {
      await close()
      throw unlistened(error, config)
    }
    const url = urlOf(app.server.address(), config.bind.host)
    log.info({ url, provider: chosen.name, why: chosen.why, database: database.path }, 'vm-api listens')
    return { url, choice: chosen, close }
  } catch (error) {
    database.close()
    if (codeOf(error)?.startsWith('SQLITE_') !== true) throw error
    throw new DatabaseError(`The database ${database.path} cannot be used: ${explain(error)}`, { cause: error })
  }
}

/** What a service that was killed has left, and where. */
function left(supervisor: Supervisor, book: RunBook) {
  return {
    left: book.leftShells,
    ended: ({ workspace, execId }: LeftRun) => book.shells.ended(workspace, execId, { kind: 'lost', message: 'lost' }),
    standing({ workspace, owner }: LeftRun): Standing {
      const asker = parseOwner(owner)
      const reached = asker && supervisor.reach(workspace, { owner: asker, operator: false })
      if (reached?.kind !== 'reached') return { kind: 'down' }
      if (reached.up) return { ...reached, kind: 'up' }
      return { kind: /^(stopped\.idle|failed)/.test(reached.state) ? 'down' : 'between' }
    },
  }
}

function templatesOf({ templatesDir }: Config, log: Logger) {
  const read = readTemplates(templatesDir ?? join(here, '../templates'))
  if (read.kind === 'unreadable') throw new StartError(describeTemplateProblems(read.problems))
  for (const { template, field, file, line } of read.unhonoured)
    log.warn({ template, field, file, line }, 'a field of a template means nothing here and is passed over')
  return read.templates
}

function chartsOf(folder: string) {
  try {
    return drawnCharts(folder)
  } catch (error) {
    throw new StartError(
      `The statecharts in ${folder} cannot be read: ${String(error)}. They come with vm-api: install it whole, or write them anew with npm run charts.`,
    )
  }
}

function trustIn(ranges: readonly AddressRange[]): (address: string) => boolean {
  const list = new BlockList()
  for (const { address, prefix, family } of ranges) list.addSubnet(address, prefix, family)
  return (address) => {
    const plain = address.replace(/^::ffff:(?=\d+\.)/, '') // IPv4 on a socket that also listens for IPv6
    return list.check(plain, plain.includes(':') ? 'ipv6' : 'ipv4')
  }
}

function unlistened(error: unknown, { bind }: Config): StartError {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
  const where = `${bind.host}:${bind.port}`
  if (code === 'EADDRINUSE')
    return new StartError(
      `Port ${bind.port} is in use. Stop what listens on ${where}, or set VM_API_BIND to another port.`,
    )
  if (code === 'EACCES')
    return new StartError(`This user may not listen on ${where}. Set VM_API_BIND to a port above 1023.`)
  return new StartError(`Cannot listen on ${where}: ${String(error)}. Set VM_API_BIND to an address of this machine.`)
}

function urlOf(address: AddressInfo | string | null, host: string): string {
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}
