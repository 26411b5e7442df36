import { setTimeout as delay } from 'node:timers/promises'
import { readiness } from '../src/wire/health.ts'
import { serviceEntry } from './built.ts'
import type { Server } from './server.ts'
import { startServer } from './server.ts'

/**
 * Starts the service on the database at `path` and waits until all of its workspaces are back. `env` is added to its environment;
 * without an engine in it, the workspaces' engine is away, which changes nothing of how they are read.
 */
export async function startOn(
  path: string,
  env: Readonly<Record<string, string>> = {},
  flags: readonly string[] = [],
): Promise<Server> {
  const server = await startServer(
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
  const { error } = readiness.parse(await (await fetch(`${url}/health/ready`)).json())
  return error?.includes('brought back') === true
}
