import { setTimeout as delay } from 'node:timers/promises'
import { readinessSchema } from '../../src/wire/health.ts'
import { serviceEntry } from './build.ts'
import type { ServerProcess } from './server-process.ts'
import { startServerProcess } from './server-process.ts'

/**
 * Starts the service on the database at `path` and waits until all of its workspaces are back. `env` is added to its environment;
 * without an engine in it, the workspaces' engine is away, which changes nothing of how they are read.
 */
export async function startService(
  path: string,
  env: Readonly<Record<string, string>> = {},
  flags: readonly string[] = [],
): Promise<ServerProcess> {
  const server = await startServerProcess(
    serviceEntry,
    [],
    {
      VM_API_BIND: '127.0.0.1:0',
      VM_API_DB_PATH: path,
      VM_API_PROVIDER: 'docker',
      DOCKER_HOST: 'unix:///nonexistent/docker.sock',
      ...env,
    },
    flags,
  )
  while (await isRehydrating(server.url)) await delay(50) // polled: readiness is told to those who ask
  return server
}

async function isRehydrating(url: string): Promise<boolean> {
  const { error } = readinessSchema.parse(await (await fetch(`${url}/health/ready`)).json())
  return error?.includes('brought back') === true
}
