import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { onTestFinished } from 'vitest'

/** Starts a process that opens the database at `path`. Its `message` is `open`, or why that failed. */
export async function openInProcess(
  path: string,
  uid?: number,
): Promise<{ message: string; child: ChildProcess; exited: Promise<unknown> }> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'database-process-child.mjs'), path], {
    stdio: ['ignore', 'pipe', 'inherit'],
    ...(uid !== undefined && { uid, gid: uid, env: { PATH: process.env['PATH'], HOME: '/' } }),
  })
  const exited = once(child, 'exit')
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await exited
  })
  const [message] = await once(createInterface({ input: child.stdout }), 'line')
  return { message: String(message), child, exited }
}
