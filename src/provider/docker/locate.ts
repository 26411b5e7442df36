import { accessSync, constants, existsSync } from 'node:fs'
import { join } from 'node:path'
import { done, fault, type Outcome } from '../../workspace/fault.ts'
import { contextTarget, currentContext } from './context.ts'
import { parseHost, readTls } from './host.ts'
import type { DockerTarget } from './target.ts'

/** The environment, handed in: only the configuration reads the process's own. */
export type Environment = Readonly<Record<string, string | undefined>>

/**
 * Finds the engine as the docker client does: `DOCKER_HOST` (with `DOCKER_TLS_VERIFY`, `DOCKER_CERT_PATH`); else the
 * context that `DOCKER_CONTEXT` or the client's `config.json` names; else the first usable of the sockets that engines
 * make. Only reads files: it does not connect, so an engine that is not running yet is found too. A setting that cannot
 * be followed is a fault (`never`) which names it and says what would do.
 */
export function locateEngine(
  env: Environment,
  home: string,
  platform: NodeJS.Platform = process.platform,
): Outcome<DockerTarget> {
  const configDir = env['DOCKER_CONFIG'] || join(home, '.docker')
  const configFile = join(configDir, 'config.json')

  const host = env['DOCKER_HOST']
  if (host) {
    const secured = Boolean(env['DOCKER_TLS_VERIFY'] || env['DOCKER_CERT_PATH']) && !/^(unix|npipe):/.test(host)
    const tls = secured ? readTls(env['DOCKER_CERT_PATH'] || configDir, true) : done(null)
    if (!tls.ok) return fault('never', `DOCKER_CERT_PATH: ${tls.fault.message}`)
    const at = parseHost(host, tls.value)
    return at.ok
      ? done({ at: at.value, described: host, configFile })
      : fault('never', `DOCKER_HOST: ${at.fault.message}`)
  }

  const context = currentContext(env['DOCKER_CONTEXT'], configFile)
  if (!context.ok) return context
  if (context.value !== 'default') {
    const at = contextTarget(context.value, configDir)
    return at.ok ? done({ ...at.value, configFile }) : at
  }

  const path = usualSocket(env, home, platform)
  const described = platform === 'win32' ? `npipe:${path}` : `unix://${path}`
  return done({ at: { kind: 'socket', path }, described, configFile })
}

function usualSocket(env: Environment, home: string, platform: NodeJS.Platform): string {
  if (platform === 'win32') return '//./pipe/docker_engine'
  const system = '/var/run/docker.sock'
  const runtime = env['XDG_RUNTIME_DIR']
  const candidates = [
    system,
    ...(runtime ? [join(runtime, 'docker.sock')] : []),
    join(home, '.docker/run/docker.sock'),
    join(home, '.docker/desktop/docker.sock'),
  ]
  // One that may be opened before one that is only there: on a machine with a system engine, a user without rights to
  // it may well run a rootless one.
  return candidates.find(mayOpen) ?? candidates.find((path) => existsSync(path)) ?? system
}

function mayOpen(path: string): boolean {
  try {
    accessSync(path, constants.R_OK | constants.W_OK)
    return true
  } catch {
    return false // absent or forbidden: either way another socket is tried first
  }
}
