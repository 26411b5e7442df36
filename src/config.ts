import { posix, win32 } from 'node:path'
import { type AddressRange, type Bind, isLoopback } from './config/address.ts'
import { nearest } from './config/nearest.ts'
import { type Setting, variables } from './config/settings.ts'
import { type Os, values } from './config/values.ts'
import type { Owner } from './workspace/id.ts'
import type { ProviderName } from './workspace/subject.ts'

/** What the operator decided. Units stand in the names. */
export interface Config {
  readonly bind: Bind
  /** Absolute. */
  readonly dbPath: string
  readonly provider: 'auto' | ProviderName
  /** Absolute; `null`: the shipped templates. */
  readonly templatesDir: string | null
  readonly auth: 'dev' | 'proxy'
  readonly trustedProxies: readonly AddressRange[]
  readonly proxySecret: string | null
  readonly operators: readonly Owner[]
  readonly provisionerIntervalMs: number
  readonly janitorIntervalMs: number
  readonly provisionConcurrency: number
  readonly journalDays: number
  readonly metricsToken: string | null
  readonly logLevel: LogLevel
  /** Variables that look like ours and are not, each with the one that may have been meant. To be warned of. */
  readonly unknown: readonly { readonly variable: string; readonly meant: string | null }[]
}

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent'

/** A value that stops the start. */
export interface ConfigProblem {
  readonly variable: string
  /** As it was set; of a secret only that it is one. */
  readonly value: string
  /** What would do. */
  readonly expected: string
}

type Environment = Readonly<Record<string, string | undefined>>

/**
 * What `env` says, and the defaults for the rest; or every value that cannot be read, and then every pair that does not go together. An
 * empty value counts as not set, except for a secret: one that got lost must not open a door. Reads nothing but its arguments, and the
 * working folder for a relative path.
 */
export function readConfig(
  env: Environment,
  os: Os,
):
  | { readonly kind: 'read'; readonly config: Config }
  | { readonly kind: 'unreadable'; readonly problems: readonly ConfigProblem[] } {
  const texts = Object.fromEntries(
    variables.map(([variable, setting]) => [variable, textOf(variable, setting, env, os)]),
  )
  const parsed = values(os).safeParse(texts)
  const told = (variable: string, expected: string): ConfigProblem => {
    const secret = variables.some(([name, setting]) => name === variable && setting.secret)
    return { variable, value: secret ? '(not shown)' : (texts[variable] ?? ''), expected }
  }
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => told(String(issue.path[0]), issue.message))
    return { kind: 'unreadable', problems }
  }
  const read = parsed.data
  const config: Config = {
    bind: read.VM_API_BIND,
    dbPath: read.VM_API_DB_PATH,
    provider: read.VM_API_PROVIDER,
    templatesDir: read.VM_API_TEMPLATES_DIR,
    auth: read.VM_API_AUTH,
    trustedProxies: read.VM_API_TRUSTED_PROXIES,
    proxySecret: read.VM_API_PROXY_SECRET,
    operators: [...new Set(read.VM_API_OPERATORS)],
    provisionerIntervalMs: Math.round(read.VM_API_PROVISIONER_INTERVAL * 1000),
    janitorIntervalMs: Math.round(read.VM_API_JANITOR_INTERVAL * 1000),
    provisionConcurrency: read.VM_API_PROVISION_CONCURRENCY,
    journalDays: read.VM_API_JOURNAL_DAYS,
    metricsToken: read.VM_API_METRICS_TOKEN,
    logLevel: read.VM_API_LOG_LEVEL,
    unknown: unknownVariables(env),
  }
  const problems = clashes(config).map(([variable, expected]) => told(variable, expected))
  return problems.length > 0 ? { kind: 'unreadable', problems } : { kind: 'read', config }
}

/** The problems for a terminal. */
export function describeProblems(problems: readonly ConfigProblem[]): string {
  return problems
    .map(({ variable, value, expected }) => {
      const shown = value === '(not shown)' ? value : JSON.stringify(value.slice(0, 200))
      return `${variable} cannot be ${shown}. Set it to ${expected}.`
    })
    .join('\n')
}

/** What may be set, for `--help`. */
export function configHelp(): string {
  return variables.map(([name, setting]) => `  ${name} (${defaultOf(setting)})\n      ${setting.meaning}`).join('\n')
}

/** A setting's default as people are told of it. */
export function defaultOf(setting: Setting): string {
  return setting.default ?? setting.otherwise ?? 'none'
}

function textOf(variable: string, setting: Setting, env: Environment, os: Os): string | null {
  const set = env[variable]
  if (setting.secret) return set ?? null
  if (set !== undefined && set.trim() !== '') return set.trim()
  return variable === 'VM_API_DB_PATH' ? dbPath(env, os) : setting.default
}

function dbPath(env: Environment, { platform, home }: Os): string {
  if (platform !== 'win32') return posix.join(home, '.vm', 'api', 'vm.db')
  return win32.join(env['APPDATA'] || win32.join(home, 'AppData', 'Roaming'), 'vm', 'api', 'vm.db')
}

/** Values that are fine each for itself, and not together. */
function clashes({ auth, bind, provider }: Config): (readonly [variable: string, expected: string])[] {
  if (auth === 'dev' && !isLoopback(bind.host)) {
    const ways =
      'a loopback address, as 127.0.0.1:3000, while VM_API_AUTH is dev (anybody who reaches it may claim to be any user)'
    return [['VM_API_BIND', `${ways}, or set VM_API_AUTH=proxy and put a proxy in front that says who asks`]]
  }
  if (auth === 'proxy' && provider === 'process') {
    return [['VM_API_PROVIDER', 'docker while VM_API_AUTH is proxy: processes are not isolated from each other']]
  }
  return []
}

function unknownVariables(env: Environment): Config['unknown'] {
  const known = variables.map(([name]) => name)
  return Object.keys(env)
    .filter((variable) => /^VM_API_/i.test(variable) && !known.includes(variable))
    .map((variable) => ({ variable, meant: nearest(variable.toUpperCase(), known) }))
}
