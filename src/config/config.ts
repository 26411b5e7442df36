import { posix, win32 } from 'node:path'
import { type AddressRange, type BindAddress, isLoopback } from './address.ts'
import { type Setting, settingEntries } from './settings.ts'
import { type OsInfo, configSchema } from './config-schema.ts'
import type { Owner } from '../workspace/id.ts'
import type { ProviderName } from '../workspace/workspace-ref.ts'

/** The configuration of the service. Units are part of the names. */
export interface Config {
  readonly bind: BindAddress
  /** Absolute. */
  readonly dbPath: string
  readonly provider: 'auto' | ProviderName
  /** Absolute; `null` selects the shipped templates. */
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
  /** Unknown variables that start with `VM_API_`, each with the most similar setting. The service logs a warning for each. */
  readonly unknownVariables: readonly { readonly variable: string; readonly suggestion: string | null }[]
}

export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent'

/** An invalid value. It prevents the service from starting. */
export interface ConfigProblem {
  readonly variable: string
  /** The value as set; a placeholder for a secret. */
  readonly value: string
  /** Describes valid values. */
  readonly expected: string
}

type EnvironmentVariables = Readonly<Record<string, string | undefined>>

export type ConfigReadResult =
  | { readonly kind: 'ok'; readonly config: Config }
  | { readonly kind: 'invalid'; readonly problems: readonly ConfigProblem[] }

/**
 * Reads the configuration from `env`, with defaults for unset variables. Reports all invalid values, or else all conflicts between valid
 * ones. An empty value counts as unset, except for a secret: a lost secret must not disable a check. Depends only on its arguments, and
 * on the working folder for a relative path.
 */
export function readConfig(env: EnvironmentVariables, os: OsInfo): ConfigReadResult {
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
    return { kind: 'invalid', problems }
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
  return problems.length > 0 ? { kind: 'invalid', problems } : { kind: 'ok', config }
}

/** Formats problems for a terminal, one per line. */
export function describeConfigProblems(problems: readonly ConfigProblem[]): string {
  return problems
    .map(({ variable, value, expected }) => {
      const shown = value === '(not shown)' ? value : JSON.stringify(value.slice(0, 200))
      return `${variable} cannot be ${shown}. Set it to ${expected}.`
    })
    .join('\n')
}

/** Lists the settings for `--help`. */
export function configHelp(): string {
  return settingEntries
    .map(([name, setting]) => `  ${name} (${describeDefault(setting)})\n      ${setting.description}`)
    .join('\n')
}

/** Describes a setting's default for operators. */
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

/** Finds values that are valid alone and invalid together. */
function conflicts({ auth, bind, provider }: Config): (readonly [variable: string, expected: string])[] {
  if (auth === 'dev' && !isLoopback(bind.host)) {
    const expected =
      'a loopback address, for example 127.0.0.1:3000, because VM_API_AUTH=dev lets every client claim to be any user; or set VM_API_AUTH=proxy and put an authenticating proxy in front'
    return [['VM_API_BIND', expected]]
  }
  if (auth === 'proxy' && provider === 'process') {
    return [
      ['VM_API_PROVIDER', 'docker while VM_API_AUTH is proxy, because processes are not isolated from each other'],
    ]
  }
  return []
}

function findUnknownVariables(env: EnvironmentVariables): Config['unknownVariables'] {
  const known = settingEntries.map(([name]) => name)
  return Object.keys(env)
    .filter((variable) => /^VM_API_/i.test(variable) && !known.includes(variable))
    .map((variable) => ({ variable, suggestion: closestMatch(variable.toUpperCase(), known) }))
}

/** The word with the fewest edits from `text`; `null` if every word needs more than three. */
function closestMatch(text: string, words: readonly string[]): string | null {
  const [best] = words
    .map((word) => ({ word, distance: editDistance(text, word) }))
    .filter((candidate) => candidate.distance <= 3)
    .sort((a, b) => a.distance - b.distance)
  return best?.word ?? null
}

/** The Levenshtein distance: insertions, deletions and replacements of single characters between `a` and `b`. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let line = 0; line < a.length; line++) {
    const next = [line + 1]
    for (let column = 0; column < b.length; column++) {
      const replaced = (row[column] ?? 0) + (a[line] === b[column] ? 0 : 1)
      next.push(Math.min(replaced, (row[column + 1] ?? 0) + 1, (next[column] ?? 0) + 1))
    }
    row = next
  }
  return row.at(-1) ?? 0
}
