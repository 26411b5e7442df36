import { posix, win32 } from 'node:path'
import { z } from 'zod'
import { parseOwner } from '../workspace/id.ts'
import { parseBindAddress, parseAddressRanges } from './address.ts'
import type { SettingName } from './settings.ts'

/** The properties of the operating system that values depend on. */
export interface OsInfo {
  /** `process.platform`. */
  readonly platform: string
  /** The home folder of the service's user. */
  readonly home: string
}

/** Parses each variable. A message describes valid values and never repeats the given one. */
export function configSchema(os: OsInfo) {
  const path = os.platform === 'win32' ? win32 : posix
  const parsePath = (text: string) => {
    if (text.includes('\0') || text.startsWith(':memory:') || text.startsWith('file:')) return undefined
    return path.resolve(/^~(?=$|[/\\])/.test(text) ? path.join(os.home, text.slice(1)) : text)
  }
  const pathExpected = 'a path, absolute or relative to the working folder; ~/ is the home folder'
  return z.object({
    VM_API_BIND: parsedAs(
      parseBindAddress,
      'an address or host name and a port, for example 127.0.0.1:3000 or [::1]:3000',
    ),
    VM_API_DB_PATH: parsedAs(parsePath, pathExpected),
    VM_API_PROVIDER: oneOf(['auto', 'docker', 'process']),
    VM_API_TEMPLATES_DIR: parsedAs(parsePath, pathExpected).nullable(),
    VM_API_AUTH: oneOf(['dev', 'proxy']),
    VM_API_TRUSTED_PROXIES: parsedAs(
      parseAddressRanges,
      'addresses and CIDR ranges separated by commas, for example 10.0.0.5,192.168.7.0/24,fd00::/8; /0 is not allowed',
    ),
    VM_API_PROXY_SECRET: secret.nullable(),
    VM_API_OPERATORS: parsedAs(
      parseOwners,
      'user names separated by commas, for example alice,bob; printable ASCII, at most 128 characters each',
    ).nullable(),
    VM_API_PROVISIONER_INTERVAL: seconds,
    VM_API_JANITOR_INTERVAL: seconds,
    VM_API_PROVISION_CONCURRENCY: wholeNumber(1, 1000),
    VM_API_JOURNAL_DAYS: wholeNumber(1, 36_500),
    VM_API_METRICS_TOKEN: secret.nullable(),
    VM_API_LOG_LEVEL: oneOf(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']),
  } satisfies Readonly<Record<SettingName, z.ZodType>>)
}

const secret = parsedAs(
  (text) => (/^[!-~]+$/.test(text) ? text : undefined),
  'one or more ASCII characters without spaces, or unset the variable',
)

const seconds = parsedAs(
  (text) => inRange(/^\d{1,5}(\.\d{1,3})?$/.test(text), text, 0.1, 86_400),
  'a number of seconds from 0.1 to 86400',
)

function parsedAs<T>(parse: (text: string) => T | undefined, expected: string) {
  return z.string().transform((text, context): T => {
    const value = parse(text)
    if (value !== undefined) return value
    context.addIssue({ code: 'custom', message: expected })
    return z.NEVER
  })
}

function oneOf<const T extends readonly [string, ...string[]]>(choices: T) {
  return z.enum(choices, `one of ${choices.join(', ')}`)
}

function wholeNumber(min: number, max: number) {
  return parsedAs((text) => inRange(/^\d{1,9}$/.test(text), text, min, max), `a whole number from ${min} to ${max}`)
}

function inRange(wellFormed: boolean, text: string, min: number, max: number): number | undefined {
  return wellFormed && Number(text) >= min && Number(text) <= max ? Number(text) : undefined
}

function parseOwners(text: string) {
  const names = text.split(',').map((name) => parseOwner(name.trim()))
  return names.every((name) => name !== undefined) ? names : undefined
}
