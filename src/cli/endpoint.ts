// Which service is asked, and as whom: flags, then a profile that is named, then the environment, then the file's own profile.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { CliError, usageError } from './cli-error.ts'
import type { CliEnvironment } from './cli-environment.ts'

export interface EndpointOptions {
  readonly url?: string
  readonly user?: string
  readonly header?: readonly string[]
  readonly profile?: string
}

export interface ServiceEndpoint {
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
export const profilesPath = '~/.vm/cli.json'

const emptyProfile: Profile = { headers: {} }

/** @throws {CliError} if what was said cannot be. */
export function resolveEndpoint(options: EndpointOptions, { env, home, loginName }: CliEnvironment): ServiceEndpoint {
  const profiles = readProfiles(join(home, '.vm', 'cli.json'))
  const selectedProfile = options.profile === undefined ? emptyProfile : findProfile(profiles, options.profile)
  const defaultProfile =
    options.profile !== undefined || profiles.defaultName === undefined
      ? emptyProfile
      : findProfile(profiles, profiles.defaultName)
  const fromEnv = (variable: string) => env[variable] || undefined
  const candidates = [options.user, selectedProfile.user, fromEnv('VM_API_USER'), defaultProfile.user, loginName()]
  const user = candidates.find((candidate) => candidate !== undefined)
  if (user === undefined)
    throw usageError('Your name is not known here.', 'Say who you are with --user NAME or VM_API_USER.')
  return {
    url: parseServiceUrl(
      options.url ?? selectedProfile.url ?? fromEnv('VM_API_URL') ?? defaultProfile.url ?? defaultUrl,
    ),
    user,
    headers: {
      ...defaultProfile.headers,
      ...selectedProfile.headers,
      ...Object.fromEntries((options.header ?? []).map(parseHeader)),
    },
  }
}

function parseServiceUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url || !/^https?:$/.test(url.protocol))
    throw usageError(`"${text}" is no address of a service.`, `Write it as ${defaultUrl}.`)
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '')
}

function parseHeader(text: string): [name: string, value: string] {
  const [, name, value] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):\s*(.*)$/.exec(text) ?? []
  if (name === undefined || value === undefined)
    throw usageError(`"${text}" is no header.`, "Write it as --header 'Name: value'.")
  return [name.toLowerCase(), value]
}

interface ProfilesFile {
  readonly path: string
  /** The one that is used if none is named. */
  readonly defaultName: string | undefined
  readonly profiles: Readonly<Record<string, unknown>>
}

function readProfiles(path: string): ProfilesFile {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch {
    return { path, defaultName: undefined, profiles: {} }
  }
  try {
    const { profile, profiles } = Object(JSON.parse(text))
    return { path, defaultName: typeof profile === 'string' ? profile : undefined, profiles: Object(profiles) }
  } catch {
    throw new CliError(`${path} is no JSON.`, { next: `Correct it, or move it away. ${profilesFormat}` })
  }
}

function findProfile({ path, profiles }: ProfilesFile, name: string): Profile {
  if (!Object.hasOwn(profiles, name)) {
    const names = Object.keys(profiles)
    const next = names.length === 0 ? `${path} has none. ${profilesFormat}` : `${path} has ${names.join(', ')}.`
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

const profilesFormat = 'Its form: {"profiles": {"NAME": {"url": "https://…", "user": "…", "headers": {}}}}'
