import { readFile } from 'node:fs/promises'
import { jsonField, stringField } from './json-fields.ts'

/** What the Docker client's `config.json` says about a registry. */
export interface RegistryCredentials {
  /** Passed to the engine with a pull; `null` if none are stored for this registry. */
  readonly authconfig: Readonly<Record<string, string>> | null
  /** The credential helper of this registry. Helpers are not supported; the fault of a denied pull says so. */
  readonly credentialHelper: string | null
}

/**
 * Looks up `registry` in the Docker client's `config.json` (`auths`, where `docker login` stores credentials unless a
 * helper is configured). A missing or unreadable file yields no credentials: the pull is then tried without, and the
 * registry's refusal is the message.
 */
export async function loadRegistryCredentials(registry: string, configFile: string): Promise<RegistryCredentials> {
  const config: unknown = await readFile(configFile, 'utf8')
    .then((content): unknown => JSON.parse(content))
    .catch(() => undefined)
  const keys =
    registry === 'docker.io' ? ['https://index.docker.io/v1/', 'docker.io'] : [registry, `https://${registry}`]
  const credentialHelper =
    keys.map((key) => stringField(config, 'credHelpers', key)).find(Boolean) ??
    stringField(config, 'credsStore') ??
    null
  const entry = keys.map((key) => jsonField(config, 'auths', key)).find((value) => value !== undefined)
  const serveraddress = keys[0] ?? registry
  const identitytoken = stringField(entry, 'identitytoken')
  if (identitytoken) return { authconfig: { identitytoken, serveraddress }, credentialHelper }
  const [, username, password] =
    /^([^:]+):(.*)$/s.exec(Buffer.from(stringField(entry, 'auth') ?? '', 'base64').toString()) ?? []
  if (username === undefined || password === undefined) return { authconfig: null, credentialHelper }
  return { authconfig: { username, password, serveraddress }, credentialHelper }
}
