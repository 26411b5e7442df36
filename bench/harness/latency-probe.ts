import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { z } from 'zod'
import { childEntry } from './build.ts'

/** Times in milliseconds, counted from when each request was due to be sent. */
export interface ProbeResult {
  readonly sendDelaysMs: readonly number[]
  readonly latenciesMs: readonly number[]
}

export interface LatencyProbe {
  readonly pid: number
  /** Ends it. Answers how long each request took, and how late it was sent. */
  stop(): Promise<ProbeResult>
}

const resultSchema = z.object({ sendDelaysMs: z.array(z.number()), latenciesMs: z.array(z.number()) })

/** Asks for `url` each `everyMs`, whether or not answers come, from a process of its own, until it is done. Any answer but 200 is an error. */
export function startLatencyProbe(url: string, intervalMs: number): LatencyProbe {
  const child = spawn(process.execPath, [childEntry('latency-probe'), JSON.stringify({ url, everyMs: intervalMs })], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  const childOutput = text(child.stdout)
  return {
    pid: child.pid ?? 0,
    async stop() {
      child.stdin.end()
      const [code] = await exited
      if (code !== 0) throw new Error(`who asked for ${url} ended with ${code}`)
      return resultSchema.parse(JSON.parse(await childOutput))
    },
  }
}
