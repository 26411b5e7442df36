import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { onTestFinished } from 'vitest'
import type { Workspace } from '../../src/wire/workspace.ts'
import { parseWorkspaceId } from '../../src/workspace/id.ts'
import { processesOf } from '../provider/process/process-fixture.ts'
import type { ServiceProcess } from './service-process.ts'
import { callApi, runServiceProgram, startServiceProcess, waitForWorkspace } from './service-process.ts'

// Fixtures for tests of failures: a database, and a service on it that is killed and restarted.

/** A temporary folder, removed after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'vm-api-service-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** A database in `folder` and services on it. All services and workspaces end with the test. */
export function serviceFixture(folder: string, extra: Readonly<Record<string, string>> = {}) {
  const path = join(folder, 'vm.db')
  const env = {
    VM_API_DB_PATH: path,
    VM_API_PROVIDER: 'process',
    VM_API_OPERATORS: 'ops',
    VM_API_PROVISIONER_INTERVAL: '1',
    ...extra,
  }
  const services = new Set<ServiceProcess>()
  onTestFinished(async () => {
    for (const service of services) await service.stop('SIGKILL')
    killWorkspaces(join(folder, 'workspaces'))
  })
  return {
    path,
    env,
    async start(): Promise<ServiceProcess> {
      const service = await startServiceProcess(env)
      const tracked = {
        ...service,
        async stop(signal: NodeJS.Signals) {
          services.delete(tracked)
          return service.stop(signal)
        },
      }
      services.add(tracked)
      return tracked
    },
    /** The message of a refused start. Fails if it contains a stack trace, which means a bug. */
    async refusedStart(): Promise<string> {
      const { code, stderr } = await runServiceProgram([], { ...env, VM_API_BIND: '127.0.0.1:0' })
      if (code !== 1 || /^\s+at /m.test(stderr)) throw new Error(`the service exited with ${code}: ${stderr}`)
      return stderr
    },
  }
}

export const listWorkspaces = async ({ url }: ServiceProcess): Promise<readonly Workspace[]> =>
  (await callApi(url, 'alice', 'GET', '/workspaces')).body

export const createWorkspace = ({ url }: ServiceProcess, name: string, extra: object = {}) =>
  callApi(url, 'alice', 'POST', '/workspaces', { name, ...extra })

/** Creates a workspace and waits until it is running. */
export async function createRunning(service: ServiceProcess, name: string): Promise<Workspace> {
  return waitUntilRunning(service, (await createWorkspace(service, name)).body.id)
}

export const waitUntilRunning = ({ url }: ServiceProcess, id: string) =>
  waitForWorkspace(url, 'alice', id, ({ state }) => state === 'running.up')

/** The response of `/health/ready`. */
export async function readinessOf({ url }: ServiceProcess) {
  const response = await fetch(`${url}/health/ready`)
  return { status: response.status, body: JSON.parse(await response.text()) }
}

/** The installation id in the database at `path`. */
export function installationOf(path: string): string {
  const db = new Sqlite(path, { readonly: true })
  try {
    const read = db.prepare<[], string>(`SELECT value FROM installation WHERE key = 'id'`).pluck()
    return read.get() ?? ''
  } finally {
    db.close()
  }
}

/** The number of live processes of workspace `id`. */
export function processCountOf(id: string): number {
  const workspaceId = parseWorkspaceId(id)
  return workspaceId === undefined ? 0 : processesOf(workspaceId).length
}

// Finds them by their tags, because the database may be unreadable.
function killWorkspaces(root: string) {
  for (const name of entriesOf(root)) {
    const id = parseWorkspaceId(name)
    for (const { pid } of id === undefined ? [] : processesOf(id)) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // it ended together with another one
      }
    }
  }
}

function entriesOf(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch {
    return [] // no workspace was created
  }
}
