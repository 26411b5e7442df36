import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { onTestFinished } from 'vitest'

/** A process that opens the database at `path`. `said`: `open`, or why it could not. */
export async function serve(
  path: string,
  uid?: number,
): Promise<{ said: string; child: ChildProcess; ended: Promise<unknown> }> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'serving-child.mjs'), path], {
    stdio: ['ignore', 'pipe', 'inherit'],
    ...(uid !== undefined && { uid, gid: uid, env: { PATH: process.env['PATH'], HOME: '/' } }),
  })
  const ended = once(child, 'exit')
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await ended
  })
  const [said] = await once(createInterface({ input: child.stdout }), 'line')
  return { said: String(said), child, ended }
}
