import { homedir } from 'node:os'
import { locateEngine } from '../../src/provider/docker/engine/locate-engine.ts'
import type { DockerTarget } from '../../src/provider/docker/engine/docker-target.ts'
import { dockerClient } from './docker-client.ts'

/**
 * The engine for live tests: `VM_API_TEST_DOCKER_HOST`, else the one that the service would find. `undefined` if none
 * answers; the tests are then reported as skipped. With `VM_API_REQUIRE_ENGINE=1` a missing engine is an error, so that
 * live tests are never skipped unnoticed.
 */
export async function liveEngine(env: NodeJS.ProcessEnv = process.env): Promise<DockerTarget | undefined> {
  const configuredHost = env['VM_API_TEST_DOCKER_HOST']
  const located = locateEngine(configuredHost ? { ...env, DOCKER_HOST: configuredHost } : env, homedir())
  const reason = located.ok ? await pingFailure(located.value) : located.fault.message
  if (reason === undefined && located.ok) return located.value
  if (env['VM_API_REQUIRE_ENGINE'] === '1')
    throw new Error(`VM_API_REQUIRE_ENGINE is set, but no engine answers: ${reason}`)
  return undefined
}

async function pingFailure(target: DockerTarget): Promise<string | undefined> {
  const timedOut = new Promise<string>((resolve) => {
    setTimeout(() => resolve(`${target.description} did not answer within 3 s`), 3_000).unref()
  })
  const ping = dockerClient(target)
    .ping()
    .then(
      () => undefined,
      (error: unknown) => `${target.description}: ${String(error)}`,
    )
  return Promise.race([ping, timedOut])
}

/** A placeholder where no engine answers, so that skipped tests can be listed by name. */
export const noEngine: DockerTarget = {
  endpoint: { kind: 'socket', path: '/nonexistent/docker.sock' },
  description: 'no engine',
  configFile: '/nonexistent/config.json',
}
