import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { onTestFinished } from 'vitest'
import type { Workspace } from '../../src/wire/workspace.ts'
import { parseWorkspaceId } from '../../src/workspace/id.ts'
import { processesOf } from '../provider/process-bench.ts'
import type { ChildService } from './child-service.ts'
import { call, runMain, startChild, until } from './child-service.ts'

// What the tests of trouble have in common: a database, a service on it that is killed and started again, and its end.

/** A folder of its own, removed after the test. */
export function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'vm-api-trouble-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** A database in `folder`, and what is done with it. What runs on it ends with the test, whatever has become of it. */
export function trouble(folder: string, more: Readonly<Record<string, string>> = {}) {
  const path = join(folder, 'vm.db')
  const env = {
    VM_API_DB_PATH: path,
    VM_API_PROVIDER: 'process',
    VM_API_OPERATORS: 'ops',
    VM_API_PROVISIONER_INTERVAL: '1',
    ...more,
  }
  const services = new Set<ChildService>()
  onTestFinished(async () => {
    for (const service of services) await service.end('SIGKILL')
    endWorkspaces(join(folder, 'workspaces'))
  })
  return {
    path,
    env,
    async start(): Promise<ChildService> {
      const service = await startChild(env)
      const ours = {
        ...service,
        async end(signal: NodeJS.Signals) {
          services.delete(ours)
          return service.end(signal)
        },
      }
      services.add(ours)
      return ours
    },
    /** What a start that is refused says. Fails if it says it with a stack, which is how a bug looks. */
    async refusal(): Promise<string> {
      const { code, stderr } = await runMain([], { ...env, VM_API_BIND: '127.0.0.1:0' })
      if (code !== 1 || /^\s+at /m.test(stderr)) throw new Error(`it ended with ${code} and said: ${stderr}`)
      return stderr
    },
  }
}

export const list = async ({ url }: ChildService): Promise<readonly Workspace[]> =>
  (await call(url, 'alice', 'GET', '/workspaces')).body

export const create = ({ url }: ChildService, name: string, more: object = {}) =>
  call(url, 'alice', 'POST', '/workspaces', { name, ...more })

/** Makes a workspace and waits until it is up. */
export async function running(service: ChildService, name: string): Promise<Workspace> {
  return up(service, (await create(service, name)).body.id)
}

export const up = ({ url }: ChildService, id: string) => until(url, 'alice', id, ({ state }) => state === 'running.up')

/** The answer of `/health/ready`. */
export async function readiness({ url }: ChildService) {
  const answer = await fetch(`${url}/health/ready`)
  return { status: answer.status, body: JSON.parse(await answer.text()) }
}

/** The id that the containers of the database at `path` carry. */
export function installationOf(path: string): string {
  const db = new Sqlite(path, { readonly: true })
  try {
    const read = db.prepare<[], string>(`SELECT value FROM installation WHERE key = 'id'`).pluck()
    return read.get() ?? ''
  } finally {
    db.close()
  }
}

/** The processes of `id` that live. */
export function livingOf(id: string): number {
  const known = parseWorkspaceId(id)
  return known === undefined ? 0 : processesOf(known).length
}

// By the marks that they carry: a database that cannot be read tells of none of them.
function endWorkspaces(root: string) {
  for (const name of namesIn(root)) {
    const id = parseWorkspaceId(name)
    for (const { pid } of id === undefined ? [] : processesOf(id)) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // ended with the one before it
      }
    }
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch {
    return [] // no workspace was ever made
  }
}
