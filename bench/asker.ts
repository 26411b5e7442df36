import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { z } from 'zod'
import { childEntry } from './built.ts'

/** Times in milliseconds, counted from when each request was due to be sent. */
export interface Asked {
  readonly late: readonly number[]
  readonly took: readonly number[]
}

export interface Asker {
  readonly pid: number
  /** Ends it. Answers how long each request took, and how late it was sent. */
  done(): Promise<Asked>
}

const found = z.object({ late: z.array(z.number()), took: z.array(z.number()) })

/** Asks for `url` each `everyMs`, whether or not answers come, from a process of its own, until it is done. Any answer but 200 is an error. */
export function startAsker(url: string, everyMs: number): Asker {
  const child = spawn(process.execPath, [childEntry('asker'), JSON.stringify({ url, everyMs })], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  const said = text(child.stdout)
  return {
    pid: child.pid ?? 0,
    async done() {
      child.stdin.end()
      const [code] = await exited
      if (code !== 0) throw new Error(`who asked for ${url} ended with ${code}`)
      return found.parse(JSON.parse(await said))
    },
  }
}
