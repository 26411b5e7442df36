// The service and the user of a command, from the first source that has them: options, a profile named by --profile, the environment, the
// default profile of the file.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { CliError, usageError } from './cli-error.ts'
import type { CliEnvironment } from './cli-environment.ts'
import { toRecord } from './to-record.ts'

export interface EndpointOptions {
  readonly url?: string
  readonly user?: string
  readonly header?: readonly string[]
  readonly profile?: string
}

export interface ServiceEndpoint {
  /** Without a trailing slash. */
  readonly url: string
  /** `null`: a proxy authenticates the caller. */
  readonly user: string | null
  readonly headers: Readonly<Record<string, string>>
}

type Profile = Partial<ServiceEndpoint>

export const defaultUrl = 'http://127.0.0.1:3000'
export const profilesPath = '~/.vm/cli.json'

/** @throws {CliError} for an invalid option or profile. */
export function resolveEndpoint(options: EndpointOptions, { env, home, loginName }: CliEnvironment): ServiceEndpoint {
  const profiles = readProfiles(join(home, '.vm', 'cli.json'))
  const selectedProfile = options.profile === undefined ? {} : findProfile(profiles, options.profile)
  const defaultProfile =
    options.profile !== undefined || profiles.defaultName === undefined
      ? {}
      : findProfile(profiles, profiles.defaultName)
  const fromEnv = (variable: string) => env[variable] || undefined
  const candidates = [options.user, selectedProfile.user, fromEnv('VM_API_USER'), defaultProfile.user, loginName()]
  const user = candidates.find((candidate) => candidate !== undefined)
  if (user === undefined)
    throw usageError('Your login name is unknown.', 'Name a user with --user NAME or VM_API_USER.')
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
    throw usageError(`"${text}" is not the URL of a service.`, `Write it like ${defaultUrl}.`)
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '')
}

function parseHeader(text: string): [name: string, value: string] {
  const [, name, value] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):\s*(.*)$/.exec(text) ?? []
  if (name === undefined || value === undefined)
    throw usageError(`"${text}" is not a header.`, "Write it like --header 'Name: value'.")
  return [name.toLowerCase(), value]
}

interface ProfilesFile {
  readonly path: string
  /** The profile that is used without --profile. */
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
    const { profile, profiles } = toRecord(JSON.parse(text))
    return { path, defaultName: typeof profile === 'string' ? profile : undefined, profiles: toRecord(profiles) }
  } catch {
    throw new CliError(`${path} is not valid JSON.`, { next: `Correct it, or move it away. ${profilesFormat}` })
  }
}

function findProfile({ path, profiles }: ProfilesFile, name: string): Profile {
  if (!Object.hasOwn(profiles, name)) {
    const names = Object.keys(profiles)
    const next =
      names.length === 0
        ? `${path} has no profiles. ${profilesFormat}`
        : `${path} has these profiles: ${names.join(', ')}.`
    throw usageError(`There is no profile "${name}".`, next)
  }
  const { url, user, headers } = toRecord(profiles[name])
  return {
    ...(typeof url === 'string' && { url }),
    ...((typeof user === 'string' || user === null) && { user }),
    headers: Object.fromEntries(
      Object.entries(toRecord(headers)).map(([header, value]) => [header.toLowerCase(), String(value)]),
    ),
  }
}

const profilesFormat = 'Its format: {"profiles": {"NAME": {"url": "https://…", "user": "…", "headers": {}}}}'
