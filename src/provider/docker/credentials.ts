import { readFile } from 'node:fs/promises'
import { field, text } from './shape.ts'

/** What the docker client's `config.json` has on a registry. */
export interface Credentials {
  /** What the engine is handed on with a pull; `null`: nothing is stored for this registry. */
  readonly authconfig: Readonly<Record<string, string>> | null
  /** A helper program keeps this registry's credentials. Helpers are not supported, so a denied pull says so. */
  readonly helper: string | null
}

/**
 * Looks up `registry` in the docker client's `config.json` (`auths`, as `docker login` writes it where no credential
 * helper is set). A file that is missing or unreadable holds no credentials: the pull is tried without, and its refusal
 * is the message.
 */
export async function credentialsFor(registry: string, configFile: string): Promise<Credentials> {
  const config: unknown = await readFile(configFile, 'utf8')
    .then((content): unknown => JSON.parse(content))
    .catch(() => undefined)
  const keys =
    registry === 'docker.io' ? ['https://index.docker.io/v1/', 'docker.io'] : [registry, `https://${registry}`]
  const helper = keys.map((key) => text(config, 'credHelpers', key)).find(Boolean) ?? text(config, 'credsStore') ?? null
  const entry = keys.map((key) => field(config, 'auths', key)).find((found) => found !== undefined)
  const serveraddress = keys[0] ?? registry
  const identitytoken = text(entry, 'identitytoken')
  if (identitytoken) return { authconfig: { identitytoken, serveraddress }, helper }
  const [, username, password] =
    /^([^:]+):(.*)$/s.exec(Buffer.from(text(entry, 'auth') ?? '', 'base64').toString()) ?? []
  if (username === undefined || password === undefined) return { authconfig: null, helper }
  return { authconfig: { username, password, serveraddress }, helper }
}
