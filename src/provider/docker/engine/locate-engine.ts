import { accessSync, constants, existsSync } from 'node:fs'
import { join } from 'node:path'
import { ok, fault, type Outcome } from '../../../workspace/fault.ts'
import { dockerContextTarget, currentDockerContext } from './docker-context.ts'
import { parseDockerHost, readTlsFiles } from './docker-host.ts'
import type { DockerTarget } from './docker-target.ts'

/** The environment, handed in: only the configuration reads the process's own. */
export type EnvironmentVariables = Readonly<Record<string, string | undefined>>

/**
 * Finds the engine as the docker client does: `DOCKER_HOST` (with `DOCKER_TLS_VERIFY`, `DOCKER_CERT_PATH`); else the
 * context that `DOCKER_CONTEXT` or the client's `config.json` names; else the first usable of the sockets that engines
 * make. Only reads files: it does not connect, so an engine that is not running yet is found too. A setting that cannot
 * be followed is a fault (`permanent`) which names it and says what would do.
 */
export function locateEngine(
  env: EnvironmentVariables,
  home: string,
  platform: NodeJS.Platform = process.platform,
): Outcome<DockerTarget> {
  const configDir = env['DOCKER_CONFIG'] || join(home, '.docker')
  const configFile = join(configDir, 'config.json')

  const host = env['DOCKER_HOST']
  if (host) {
    const useTls = Boolean(env['DOCKER_TLS_VERIFY'] || env['DOCKER_CERT_PATH']) && !/^(unix|npipe):/.test(host)
    const tls = useTls ? readTlsFiles(env['DOCKER_CERT_PATH'] || configDir, true) : ok(null)
    if (!tls.ok) return fault('permanent', `DOCKER_CERT_PATH: ${tls.fault.message}`)
    const endpoint = parseDockerHost(host, tls.value)
    return endpoint.ok
      ? ok({ at: endpoint.value, described: host, configFile })
      : fault('permanent', `DOCKER_HOST: ${endpoint.fault.message}`)
  }

  const context = currentDockerContext(env['DOCKER_CONTEXT'], configFile)
  if (!context.ok) return context
  if (context.value !== 'default') {
    const target = dockerContextTarget(context.value, configDir)
    return target.ok ? ok({ ...target.value, configFile }) : target
  }

  const path = defaultSocket(env, home, platform)
  const described = platform === 'win32' ? `npipe:${path}` : `unix://${path}`
  return ok({ at: { kind: 'socket', path }, described, configFile })
}

function defaultSocket(env: EnvironmentVariables, home: string, platform: NodeJS.Platform): string {
  if (platform === 'win32') return '//./pipe/docker_engine'
  const systemSocket = '/var/run/docker.sock'
  const runtimeDirectory = env['XDG_RUNTIME_DIR']
  const candidates = [
    systemSocket,
    ...(runtimeDirectory ? [join(runtimeDirectory, 'docker.sock')] : []),
    join(home, '.docker/run/docker.sock'),
    join(home, '.docker/desktop/docker.sock'),
  ]
  // One that may be opened before one that is only there: on a machine with a system engine, a user without rights to
  // it may well run a rootless one.
  return candidates.find(canOpen) ?? candidates.find((path) => existsSync(path)) ?? systemSocket
}

function canOpen(path: string): boolean {
  try {
    accessSync(path, constants.R_OK | constants.W_OK)
    return true
  } catch {
    return false // absent or forbidden: either way another socket is tried first
  }
}
