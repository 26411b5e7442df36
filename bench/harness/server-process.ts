import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import { readinessSchema } from '../../src/wire/health.ts'
import { serviceEntry } from './build.ts'

/** A server in a separate process. */
export interface ServerProcess {
  readonly url: string
  readonly pid: number
  /** CPU time used so far, in seconds; `null` where `/proc` is missing. */
  cpuSeconds(): number | null
  close(): Promise<void>
}

const readyLineSchema = z.object({ url: z.string() })

/** Starts `entry` with Node and waits until it prints a JSON line with its `url`. */
export async function startServerProcess(
  entry: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  flags: readonly string[] = [],
): Promise<ServerProcess> {
  const child = spawn(process.execPath, [...flags, entry, ...args], {
    env: { ...process.env, NODE_ENV: 'production', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  const url = await new Promise<string>((resolve, reject) => {
    createInterface(child.stdout).on('line', (text) => {
      const parsed = readyLineSchema.safeParse(JSON.parse(text))
      if (parsed.success) resolve(parsed.data.url)
    })
    exited.then(([code]) => reject(new Error(`${entry} exited with code ${code} before it listened`)), reject)
  })
  return {
    url,
    pid: child.pid ?? 0,
    cpuSeconds: () => cpuSecondsOf(child.pid ?? 0),
    async close() {
      child.kill('SIGTERM')
      await exited
    },
  }
}

/**
 * Starts the service on the database at `path` and waits until its workspaces are rehydrated. `env` extends its environment; unless it
 * sets `DOCKER_HOST`, the engine is disconnected, which does not affect reads.
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
  while (await isRehydrating(server.url)) await delay(50) // no event reports readiness
  return server
}

async function isRehydrating(url: string): Promise<boolean> {
  const { error } = readinessSchema.parse(await (await fetch(`${url}/health/ready`)).json())
  return error?.includes('brought back') === true
}

// The kernel reports CPU time to user space in units of 10 ms.
function cpuSecondsOf(pid: number): number | null {
  try {
    const [, rest] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')
    const fields = (rest ?? '').split(' ')
    return (Number(fields[11]) + Number(fields[12])) / 100
  } catch {
    return null
  }
}
