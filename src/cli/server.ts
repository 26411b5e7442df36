// Which service is asked, and as whom: flags, then a profile that is named, then the environment, then the file's own profile.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { CliError, usageError } from './cli-error.ts'
import type { Surroundings } from './surroundings.ts'

export interface ServerOptions {
  readonly url?: string
  readonly user?: string
  readonly header?: readonly string[]
  readonly profile?: string
}

export interface Server {
  /** Without a slash at its end. */
  readonly url: string
  readonly user: string | null
  readonly headers: Readonly<Record<string, string>>
}

interface Profile {
  readonly url?: string
  /** `null`: nobody is named; a proxy says who asks. */
  readonly user?: string | null
  readonly headers: Readonly<Record<string, string>>
}

export const defaultUrl = 'http://127.0.0.1:3000'
export const profilesFile = '~/.vm/cli.json'

const none: Profile = { headers: {} }

/** @throws {CliError} if what was said cannot be. */
export function serverFor(options: ServerOptions, { env, home, loginName }: Surroundings): Server {
  const file = profilesIn(join(home, '.vm', 'cli.json'))
  const named = options.profile === undefined ? none : profileOf(file, options.profile)
  const usual = options.profile !== undefined || file.usual === undefined ? none : profileOf(file, file.usual)
  const fromEnv = (name: string) => env[name] || undefined
  const users = [options.user, named.user, fromEnv('VM_API_USER'), usual.user, loginName()]
  const user = users.find((each) => each !== undefined)
  if (user === undefined)
    throw usageError('Your name is not known here.', 'Say who you are with --user NAME or VM_API_USER.')
  return {
    url: addressOf(options.url ?? named.url ?? fromEnv('VM_API_URL') ?? usual.url ?? defaultUrl),
    user,
    headers: { ...usual.headers, ...named.headers, ...Object.fromEntries((options.header ?? []).map(headerOf)) },
  }
}

function addressOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url || !/^https?:$/.test(url.protocol))
    throw usageError(`"${text}" is no address of a service.`, `Write it as ${defaultUrl}.`)
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '')
}

function headerOf(text: string): [name: string, value: string] {
  const [, name, value] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):\s*(.*)$/.exec(text) ?? []
  if (name === undefined || value === undefined)
    throw usageError(`"${text}" is no header.`, "Write it as --header 'Name: value'.")
  return [name.toLowerCase(), value]
}

interface ProfilesFile {
  readonly path: string
  /** The one that is used if none is named. */
  readonly usual: string | undefined
  readonly profiles: Readonly<Record<string, unknown>>
}

function profilesIn(path: string): ProfilesFile {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch {
    return { path, usual: undefined, profiles: {} }
  }
  try {
    const { profile, profiles } = Object(JSON.parse(text))
    return { path, usual: typeof profile === 'string' ? profile : undefined, profiles: Object(profiles) }
  } catch {
    throw new CliError(`${path} is no JSON.`, { next: `Correct it, or move it away. ${form}` })
  }
}

function profileOf({ path, profiles }: ProfilesFile, name: string): Profile {
  if (!Object.hasOwn(profiles, name)) {
    const names = Object.keys(profiles)
    const next = names.length === 0 ? `${path} has none. ${form}` : `${path} has ${names.join(', ')}.`
    throw usageError(`There is no profile "${name}".`, next)
  }
  const { url, user, headers } = Object(profiles[name])
  return {
    ...(typeof url === 'string' && { url }),
    ...((typeof user === 'string' || user === null) && { user }),
    headers: Object.fromEntries(
      Object.entries(Object(headers)).map(([key, value]) => [key.toLowerCase(), String(value)]),
    ),
  }
}

const form = 'Its form: {"profiles": {"NAME": {"url": "https://…", "user": "…", "headers": {}}}}'
