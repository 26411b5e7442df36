import { execFile } from 'node:child_process'
import { createRequire } from 'node:module'
import { promisify } from 'node:util'
import { z } from 'zod'
import type { ServerProcess } from './server-process.ts'

const autocannon = createRequire(import.meta.url).resolve('autocannon/autocannon.js')
const reportSchema = z.object({
  requests: z.object({ average: z.number(), total: z.number() }),
  latency: z.object({ p50: z.number(), p99: z.number() }),
  non2xx: z.number(),
  errors: z.number(),
})

/** One period of load. */
export interface LoadSample {
  readonly perSecond: number
  readonly p99Ms: number
  /** CPU time of the server per request, in microseconds. */
  readonly cpuUs: number
}

/** Requests `path` repeatedly over `connections` connections for `seconds`, from a separate process. Any status but 2xx is an error. */
export async function runLoad(
  server: ServerProcess,
  path: string,
  connections: number,
  seconds: number,
): Promise<LoadSample> {
  const before = server.cpuSeconds() ?? Number.NaN
  const { stdout } = await promisify(execFile)(process.execPath, [
    autocannon,
    '-j',
    '-c',
    String(connections),
    '-d',
    String(seconds),
    '-H',
    'X-VM-User=owner-0',
    `${server.url}${path}`,
  ])
  const cpuSeconds = (server.cpuSeconds() ?? Number.NaN) - before
  const { errors, latency, non2xx, requests } = reportSchema.parse(JSON.parse(stdout))
  if (errors + non2xx > 0 || requests.total === 0)
    throw new Error(`${path}: ${non2xx} error responses, ${errors} connection errors`)
  return { perSecond: requests.average, p99Ms: latency.p99, cpuUs: (cpuSeconds * 1e6) / requests.total }
}
