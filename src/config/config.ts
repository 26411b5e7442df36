import { posix, win32 } from 'node:path'
import { type AddressRange, type BindAddress, isLoopback } from './address.ts'
import { closestMatch } from './closest-match.ts'
import { type Setting, settingEntries } from './settings.ts'
import { type OsInfo, configSchema } from './config-schema.ts'
import type { Owner } from '../workspace/id.ts'
import type { ProviderName } from '../workspace/workspace-ref.ts'

/** What the operator decided. Units stand in the names. */
export interface Config {
  readonly bind: BindAddress
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
  readonly unknownVariables: readonly { readonly variable: string; readonly suggestion: string | null }[]
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

type EnvironmentVariables = Readonly<Record<string, string | undefined>>

/**
 * What `env` says, and the defaults for the rest; or every value that cannot be read, and then every pair that does not go together. An
 * empty value counts as not set, except for a secret: one that got lost must not open a door. Reads nothing but its arguments, and the
 * working folder for a relative path.
 */
export function readConfig(
  env: EnvironmentVariables,
  os: OsInfo,
):
  | { readonly kind: 'read'; readonly config: Config }
  | { readonly kind: 'unreadable'; readonly problems: readonly ConfigProblem[] } {
  const rawValues = Object.fromEntries(
    settingEntries.map(([variable, setting]) => [variable, rawValueOf(variable, setting, env, os)]),
  )
  const parsed = configSchema(os).safeParse(rawValues)
  const problem = (variable: string, expected: string): ConfigProblem => {
    const secret = settingEntries.some(([name, setting]) => name === variable && setting.secret)
    return { variable, value: secret ? '(not shown)' : (rawValues[variable] ?? ''), expected }
  }
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => problem(String(issue.path[0]), issue.message))
    return { kind: 'unreadable', problems }
  }
  const values = parsed.data
  const config: Config = {
    bind: values.VM_API_BIND,
    dbPath: values.VM_API_DB_PATH,
    provider: values.VM_API_PROVIDER,
    templatesDir: values.VM_API_TEMPLATES_DIR,
    auth: values.VM_API_AUTH,
    trustedProxies: values.VM_API_TRUSTED_PROXIES,
    proxySecret: values.VM_API_PROXY_SECRET,
    operators: [...new Set(values.VM_API_OPERATORS)],
    provisionerIntervalMs: Math.round(values.VM_API_PROVISIONER_INTERVAL * 1000),
    janitorIntervalMs: Math.round(values.VM_API_JANITOR_INTERVAL * 1000),
    provisionConcurrency: values.VM_API_PROVISION_CONCURRENCY,
    journalDays: values.VM_API_JOURNAL_DAYS,
    metricsToken: values.VM_API_METRICS_TOKEN,
    logLevel: values.VM_API_LOG_LEVEL,
    unknownVariables: findUnknownVariables(env),
  }
  const problems = conflicts(config).map(([variable, expected]) => problem(variable, expected))
  return problems.length > 0 ? { kind: 'unreadable', problems } : { kind: 'read', config }
}

/** The problems for a terminal. */
export function describeConfigProblems(problems: readonly ConfigProblem[]): string {
  return problems
    .map(({ variable, value, expected }) => {
      const shown = value === '(not shown)' ? value : JSON.stringify(value.slice(0, 200))
      return `${variable} cannot be ${shown}. Set it to ${expected}.`
    })
    .join('\n')
}

/** What may be set, for `--help`. */
export function configHelp(): string {
  return settingEntries
    .map(([name, setting]) => `  ${name} (${describeDefault(setting)})\n      ${setting.description}`)
    .join('\n')
}

/** A setting's default as people are told of it. */
export function describeDefault(setting: Setting): string {
  return setting.default ?? setting.defaultDescription ?? 'none'
}

function rawValueOf(variable: string, setting: Setting, env: EnvironmentVariables, os: OsInfo): string | null {
  const value = env[variable]
  if (setting.secret) return value ?? null
  if (value !== undefined && value.trim() !== '') return value.trim()
  return variable === 'VM_API_DB_PATH' ? defaultDbPath(env, os) : setting.default
}

function defaultDbPath(env: EnvironmentVariables, { platform, home }: OsInfo): string {
  if (platform !== 'win32') return posix.join(home, '.vm', 'api', 'vm.db')
  return win32.join(env['APPDATA'] || win32.join(home, 'AppData', 'Roaming'), 'vm', 'api', 'vm.db')
}

/** Values that are fine each for itself, and not together. */
function conflicts({ auth, bind, provider }: Config): (readonly [variable: string, expected: string])[] {
  if (auth === 'dev' && !isLoopback(bind.host)) {
    const expected =
      'a loopback address, as 127.0.0.1:3000, while VM_API_AUTH is dev (anybody who reaches it may claim to be any user)'
    return [['VM_API_BIND', `${expected}, or set VM_API_AUTH=proxy and put a proxy in front that says who asks`]]
  }
  if (auth === 'proxy' && provider === 'process') {
    return [['VM_API_PROVIDER', 'docker while VM_API_AUTH is proxy: processes are not isolated from each other']]
  }
  return []
}

function findUnknownVariables(env: EnvironmentVariables): Config['unknownVariables'] {
  const known = settingEntries.map(([name]) => name)
  return Object.keys(env)
    .filter((variable) => /^VM_API_/i.test(variable) && !known.includes(variable))
    .map((variable) => ({ variable, suggestion: closestMatch(variable.toUpperCase(), known) }))
}
