import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { done, fault, type Outcome } from '../../workspace/fault.ts'
import { parseHost, readTls } from './host.ts'
import { text } from './shape.ts'
import type { DockerTarget } from './target.ts'

/**
 * The docker context in force: `named` (from DOCKER_CONTEXT), else the one in the client's `config.json`, else
 * `default`.
 */
export function currentContext(named: string | undefined, configFile: string): Outcome<string> {
  if (named) return done(named)
  const config = readJson(configFile)
  if (!config.ok) return config
  return done(text(config.value, 'currentContext') || 'default')
}

/**
 * Where the docker context `name` says that its engine is. Contexts are kept in folders named by the SHA-256 of their
 * name.
 */
export function contextTarget(name: string, configDir: string): Outcome<Pick<DockerTarget, 'at' | 'described'>> {
  const folder = createHash('sha256').update(name).digest('hex')
  const meta = readJson(join(configDir, 'contexts/meta', folder, 'meta.json'))
  if (!meta.ok) return meta
  const host = text(meta.value, 'Endpoints', 'docker', 'Host')
  if (!host) {
    const advice = 'List those that there are with "docker context ls", choose one with "docker context use NAME".'
    return fault('never', `The docker context "${name}" names no engine, or does not exist. ${advice}`)
  }
  const tls = readTls(join(configDir, 'contexts/tls', folder, 'docker'), false)
  if (!tls.ok) return tls
  const at = parseHost(host, tls.value)
  if (!at.ok) return fault('never', `The docker context "${name}": ${at.fault.message}`)
  return done({ at: at.value, described: `${host} (docker context "${name}")` })
}

/** What a JSON file says; `undefined` if there is no such file. */
export function readJson(path: string): Outcome<unknown> {
  let content: string
  try {
    content = readFileSync(path, 'utf8')
  } catch {
    return done(undefined) // whoever needs the file says that it is missing
  }
  try {
    const parsed: unknown = JSON.parse(content)
    return done(parsed)
  } catch (error) {
    return fault(
      'never',
      `${path} is no JSON (${error instanceof Error ? error.message : String(error)}). Mend or remove it.`,
    )
  }
}
