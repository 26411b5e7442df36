import { readFile } from 'node:fs/promises'
import { jsonField, stringField } from './json-fields.ts'

/** What the docker client's `config.json` has on a registry. */
export interface RegistryCredentials {
  /** What the engine is handed on with a pull; `null`: nothing is stored for this registry. */
  readonly authconfig: Readonly<Record<string, string>> | null
  /** A helper program keeps this registry's credentials. Helpers are not supported, so a denied pull says so. */
  readonly credentialHelper: string | null
}

/**
 * Looks up `registry` in the docker client's `config.json` (`auths`, as `docker login` writes it where no credential
 * helper is set). A file that is missing or unreadable holds no credentials: the pull is tried without, and its refusal
 * is the message.
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
