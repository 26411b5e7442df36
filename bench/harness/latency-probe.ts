import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { z } from 'zod'
import { childEntry } from './build.ts'

/** Milliseconds since the due time of each request. */
export interface ProbeResult {
  readonly sendDelaysMs: readonly number[]
  readonly latenciesMs: readonly number[]
}

export interface LatencyProbe {
  readonly pid: number
  /** Stops the probe and returns its samples. */
  stop(): Promise<ProbeResult>
}

const resultSchema = z.object({ sendDelaysMs: z.array(z.number()), latenciesMs: z.array(z.number()) })

/** Requests `url` every `intervalMs` from a separate process until `stop`, whether or not responses arrive. Any status but 200 is an error. */
export function startLatencyProbe(url: string, intervalMs: number): LatencyProbe {
  const child = spawn(process.execPath, [childEntry('latency-probe'), JSON.stringify({ url, intervalMs })], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  const childOutput = text(child.stdout)
  return {
    pid: child.pid ?? 0,
    async stop() {
      child.stdin.end()
      const [code] = await exited
      if (code !== 0) throw new Error(`the latency probe of ${url} exited with code ${code}`)
      return resultSchema.parse(JSON.parse(await childOutput))
    },
  }
}
