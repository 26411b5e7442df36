import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ok, fault, type Outcome } from '../../../workspace/fault.ts'
import { parseDockerHost, readTlsFiles } from './docker-host.ts'
import { stringField } from './json-fields.ts'
import type { DockerTarget } from './docker-target.ts'

/**
 * The docker context in force: `named` (from DOCKER_CONTEXT), else the one in the client's `config.json`, else
 * `default`.
 */
export function currentDockerContext(contextName: string | undefined, configFile: string): Outcome<string> {
  if (contextName) return ok(contextName)
  const config = readJson(configFile)
  if (!config.ok) return config
  return ok(stringField(config.value, 'currentContext') || 'default')
}

/**
 * Where the docker context `name` says that its engine is. Contexts are kept in folders named by the SHA-256 of their
 * name.
 */
export function dockerContextTarget(name: string, configDir: string): Outcome<Pick<DockerTarget, 'at' | 'described'>> {
  const directoryName = createHash('sha256').update(name).digest('hex')
  const meta = readJson(join(configDir, 'contexts/meta', directoryName, 'meta.json'))
  if (!meta.ok) return meta
  const host = stringField(meta.value, 'Endpoints', 'docker', 'Host')
  if (!host) {
    const advice = 'List those that there are with "docker context ls", choose one with "docker context use NAME".'
    return fault('permanent', `The docker context "${name}" names no engine, or does not exist. ${advice}`)
  }
  const tls = readTlsFiles(join(configDir, 'contexts/tls', directoryName, 'docker'), false)
  if (!tls.ok) return tls
  const endpoint = parseDockerHost(host, tls.value)
  if (!endpoint.ok) return fault('permanent', `The docker context "${name}": ${endpoint.fault.message}`)
  return ok({ at: endpoint.value, described: `${host} (docker context "${name}")` })
}

/** What a JSON file says; `undefined` if there is no such file. */
export function readJson(path: string): Outcome<unknown> {
  let content: string
  try {
    content = readFileSync(path, 'utf8')
  } catch {
    return ok(undefined) // whoever needs the file says that it is missing
  }
  try {
    const parsed: unknown = JSON.parse(content)
    return ok(parsed)
  } catch (error) {
    return fault(
      'permanent',
      `${path} is no JSON (${error instanceof Error ? error.message : String(error)}). Mend or remove it.`,
    )
  }
}
