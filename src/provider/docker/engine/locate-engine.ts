import { accessSync, constants, existsSync } from 'node:fs'
import { join } from 'node:path'
import { ok, fault, type Outcome } from '../../../workspace/fault.ts'
import { dockerContextTarget, currentDockerContext } from './docker-context.ts'
import { parseDockerHost, readTlsFiles } from './docker-host.ts'
import type { DockerTarget } from './docker-target.ts'

/** Environment variables, passed in: only the configuration reads the environment of the process. */
export type EnvironmentVariables = Readonly<Record<string, string | undefined>>

/**
 * Finds the engine as the Docker client does: `DOCKER_HOST` (with `DOCKER_TLS_VERIFY` and `DOCKER_CERT_PATH`), else the
 * context named by `DOCKER_CONTEXT` or `config.json`, else the first usable default socket. Reads files only and does
 * not connect, so the engine need not be running. A setting that cannot be used is a `permanent` fault that names the
 * setting.
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
      ? ok({ endpoint: endpoint.value, description: host, configFile })
      : fault('permanent', `DOCKER_HOST: ${endpoint.fault.message}`)
  }

  const context = currentDockerContext(env['DOCKER_CONTEXT'], configFile)
  if (!context.ok) return context
  if (context.value !== 'default') {
    const target = dockerContextTarget(context.value, configDir)
    return target.ok ? ok({ ...target.value, configFile }) : target
  }

  const path = defaultSocket(env, home, platform)
  const description = platform === 'win32' ? `npipe:${path}` : `unix://${path}`
  return ok({ endpoint: { kind: 'socket', path }, description, configFile })
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
  // An accessible socket comes before one that merely exists: beside a system engine, a user without access to its
  // socket may run a rootless engine.
  return candidates.find(canOpen) ?? candidates.find((path) => existsSync(path)) ?? systemSocket
}

function canOpen(path: string): boolean {
  try {
    accessSync(path, constants.R_OK | constants.W_OK)
    return true
  } catch {
    return false // missing or forbidden: try the next socket
  }
}
