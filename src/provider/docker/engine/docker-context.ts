import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ok, fault, type Outcome } from '../../../workspace/fault.ts'
import { parseDockerHost, readTlsFiles } from './docker-host.ts'
import { stringField } from './json-fields.ts'
import type { DockerTarget } from './docker-target.ts'

/** The current Docker context: `contextName` (from DOCKER_CONTEXT), else the one in `configFile`, else `default`. */
export function currentDockerContext(contextName: string | undefined, configFile: string): Outcome<string> {
  if (contextName) return ok(contextName)
  const config = readJson(configFile)
  if (!config.ok) return config
  return ok(stringField(config.value, 'currentContext') || 'default')
}

/** The engine that the Docker context `name` points to. The client stores a context under the SHA-256 of its name. */
export function dockerContextTarget(
  name: string,
  configDir: string,
): Outcome<Pick<DockerTarget, 'endpoint' | 'description'>> {
  const directoryName = createHash('sha256').update(name).digest('hex')
  const meta = readJson(join(configDir, 'contexts/meta', directoryName, 'meta.json'))
  if (!meta.ok) return meta
  const host = stringField(meta.value, 'Endpoints', 'docker', 'Host')
  if (!host) {
    const advice = 'List the contexts with "docker context ls" and select one with "docker context use NAME".'
    return fault('permanent', `The Docker context "${name}" does not exist or has no Docker endpoint. ${advice}`)
  }
  const tls = readTlsFiles(join(configDir, 'contexts/tls', directoryName, 'docker'), false)
  if (!tls.ok) return tls
  const endpoint = parseDockerHost(host, tls.value)
  if (!endpoint.ok) return fault('permanent', `Docker context "${name}": ${endpoint.fault.message}`)
  return ok({ endpoint: endpoint.value, description: `${host} (docker context "${name}")` })
}

/** Parses a JSON file; `undefined` if the file does not exist. */
function readJson(path: string): Outcome<unknown> {
  let content: string
  try {
    content = readFileSync(path, 'utf8')
  } catch {
    return ok(undefined) // the caller reports what is missing
  }
  try {
    const parsed: unknown = JSON.parse(content)
    return ok(parsed)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return fault('permanent', `${path} is not valid JSON (${reason}). Fix or remove the file.`)
  }
}
