import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Workspace } from '../../src/wire/workspace.ts'

// The service as its users run it: a process of its own, on a database file, that is really killed.

/** The program that users run, compiled. */
export const main = join(import.meta.dirname, '../../dist/main.js')

export interface ChildService {
  readonly url: string
  readonly pid: number
  /** Sends a signal and waits for the end. Answers the exit code, or `null` if the signal ended it. */
  end(signal: NodeJS.Signals): Promise<number | null>
  /** What it has logged so far, a line each. */
  readonly lines: readonly string[]
}

/** Runs the service's program and waits for its end. */
export async function runMain(args: readonly string[], env: Readonly<Record<string, string>>) {
  const child = spawn(process.execPath, [main, ...args], { env: { ...bare(), ...env } })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (data) => (stdout += String(data)))
  child.stderr.on('data', (data) => (stderr += String(data)))
  const [code] = await once(child, 'close')
  return { code: Number(code), stdout, stderr }
}

/** Starts the service on any free port and waits until it listens. */
export async function startChild(env: Readonly<Record<string, string>>): Promise<ChildService> {
  const child = spawn(process.execPath, [main], {
    env: { ...bare(), VM_API_BIND: '127.0.0.1:0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const lines: string[] = []
  let errors = ''
  child.stderr.on('data', (data) => (errors += String(data)))
  const url = await new Promise<string>((resolve, reject) => {
    let rest = ''
    child.stdout.on('data', (data) => {
      const parts = (rest + String(data)).split('\n')
      rest = parts.pop() ?? ''
      for (const line of parts) {
        lines.push(line)
        const told = /"url":"([^"]+)"/.exec(line)?.[1]
        if (told !== undefined) resolve(told)
      }
    })
    child.once('close', (code) => reject(new Error(`the service ended with ${code}: ${errors}`)))
  })
  return {
    url,
    pid: child.pid ?? 0,
    lines,
    async end(signal) {
      const closed = once(child, 'close')
      child.kill(signal)
      const [code] = await closed
      return code === null ? null : Number(code)
    },
  }
}

/** Calls the API as `user`. */
export async function call(url: string, user: string, method: string, path: string, body?: object) {
  const answer = await fetch(`${url}/api/v1${path}`, {
    method,
    headers: { 'x-user': user, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
  })
  return { status: answer.status, body: JSON.parse(await answer.text()) }
}

/** Waits until a workspace is as `done` says. It is polled: the API tells no other way yet. */
export async function until(
  url: string,
  user: string,
  id: string,
  done: (it: Workspace) => boolean,
): Promise<Workspace> {
  for (let tries = 0; tries < 1800; tries += 1) {
    const { body } = await call(url, user, 'GET', `/workspaces/${id}`)
    if (done(body)) return body
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(
    `workspace ${id} did not get there: ${JSON.stringify((await call(url, user, 'GET', `/workspaces/${id}`)).body)}`,
  )
}

// Nothing of the developer's own settings reaches the service under test.
function bare(): Record<string, string | undefined> {
  const { PATH, HOME } = process.env
  return { PATH, HOME }
}
