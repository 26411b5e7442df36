import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { z } from 'zod'

/** A server in a process of its own. */
export interface ServerProcess {
  readonly url: string
  readonly pid: number
  /** Processor time that it has used up to now, in seconds; `null` where the kernel does not tell. */
  cpuSeconds(): number | null
  close(): Promise<void>
}

const readyLineSchema = z.object({ url: z.string() })

/** Starts `entry` with node and waits until it prints a line of JSON with its `url`. */
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
    exited.then(([code]) => reject(new Error(`${entry} ended with ${code} before it listened`)), reject)
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

// Linux counts in hundredths of a second for programs, whatever it does inside.
function cpuSecondsOf(pid: number): number | null {
  try {
    const [, rest] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')
    const fields = (rest ?? '').split(' ')
    return (Number(fields[11]) + Number(fields[12])) / 100
  } catch {
    return null
  }
}
