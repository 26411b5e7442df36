import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Workspace } from '../../src/wire/workspace.ts'

// The service as users run it: a separate process on a database file, which tests kill for real.

/** The compiled program. */
export const serviceProgram = join(import.meta.dirname, '../../dist/main.js')

export interface ServiceProcess {
  readonly url: string
  readonly pid: number
  /** Sends a signal and waits for the exit. Returns the exit code, or `null` if the signal ended the process. */
  stop(signal: NodeJS.Signals): Promise<number | null>
  /** The log lines so far. */
  readonly lines: readonly string[]
}

/** Runs the program and waits for its exit. */
export async function runServiceProgram(args: readonly string[], env: Readonly<Record<string, string>>) {
  const child = spawn(process.execPath, [serviceProgram, ...args], { env: { ...baseEnv(), ...env } })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (data) => (stdout += String(data)))
  child.stderr.on('data', (data) => (stderr += String(data)))
  const [code] = await once(child, 'close')
  return { code: Number(code), stdout, stderr }
}

/** Starts the service on a free port and waits until it listens. */
export async function startServiceProcess(env: Readonly<Record<string, string>>): Promise<ServiceProcess> {
  const child = spawn(process.execPath, [serviceProgram], {
    env: { ...baseEnv(), VM_API_BIND: '127.0.0.1:0', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const lines: string[] = []
  let errors = ''
  child.stderr.on('data', (data) => (errors += String(data)))
  const url = await new Promise<string>((resolve, reject) => {
    let buffered = ''
    child.stdout.on('data', (data) => {
      const parts = (buffered + String(data)).split('\n')
      buffered = parts.pop() ?? ''
      for (const line of parts) {
        lines.push(line)
        const announcedUrl = /"url":"([^"]+)"/.exec(line)?.[1]
        if (announcedUrl !== undefined) resolve(announcedUrl)
      }
    })
    child.once('close', (code) => reject(new Error(`the service exited with ${code}: ${errors}`)))
  })
  return {
    url,
    pid: child.pid ?? 0,
    lines,
    async stop(signal) {
      const closed = once(child, 'close')
      child.kill(signal)
      const [code] = await closed
      return code === null ? null : Number(code)
    },
  }
}

/** Calls the API as `user`. */
export async function callApi(url: string, user: string, method: string, path: string, body?: object) {
  const response = await fetch(`${url}/api/v1${path}`, {
    method,
    headers: { 'x-user': user, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
  })
  return { status: response.status, body: JSON.parse(await response.text()) }
}

/** Polls a workspace until `done` accepts it. */
export async function waitForWorkspace(
  url: string,
  user: string,
  id: string,
  condition: (workspace: Workspace) => boolean,
): Promise<Workspace> {
  for (let attempts = 0; attempts < 1800; attempts += 1) {
    const { body } = await callApi(url, user, 'GET', `/workspaces/${id}`)
    if (condition(body)) return body
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(
    `workspace ${id} did not get there: ${JSON.stringify((await callApi(url, user, 'GET', `/workspaces/${id}`)).body)}`,
  )
}

// The developer's own settings must not reach the service under test.
function baseEnv(): Record<string, string | undefined> {
  const { PATH, HOME } = process.env
  return { PATH, HOME }
}
