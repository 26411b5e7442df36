import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { expect, onTestFinished, vi } from 'vitest'
import { openDatabase } from '../../src/persistence/database.ts'
import type { Provider } from '../../src/provider/provider.ts'
import type { CreateResult } from '../../src/supervisor/admission.ts'
import type { Caller } from '../../src/workspace/caller.ts'
import type { WorkspaceView } from '../../src/supervisor/actors.ts'
import type { Clock } from '../../src/workspace/clock.ts'
import { systemClock } from '../../src/workspace/clock.ts'
import { createSupervisor } from '../../src/supervisor/supervisor.ts'
import type { UserCommandRequest } from '../../src/supervisor/commands.ts'
import { parseOwner } from '../../src/workspace/id.ts'
import type { WorkspaceId } from '../../src/workspace/id.ts'
import type { ProviderName } from '../../src/workspace/workspace-ref.ts'
import { statePath } from '../../src/machines/workspace-snapshot.ts'
import { testSpec, testStores, testTemplates } from './supervisor-fixture.ts'
import type { FakeEngine } from '../provider/fake/fake-provider.ts'
import { fakeEngine } from '../provider/fake/fake-provider.ts'

/** A line of the log. */
export interface LogEntry {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly fields: Readonly<Record<string, unknown>>
  readonly message: string
}

export interface TestServiceOptions {
  readonly clock?: Clock
  readonly concurrency?: number
  readonly provisionerIntervalMs?: number
  readonly janitorIntervalMs?: number
  readonly journalDays?: number
  /** Schedules the write of a batch, which is at the end of the turn by default. */
  readonly scheduleCommit?: (run: () => void) => void
  readonly providers?: (engine: FakeEngine) => readonly Provider[]
  readonly installation?: string
}

export type TestService = ReturnType<typeof startServiceOn>

/** Starts a service on the database at `path` and on an engine that outlives it. */
export function startServiceOn(path: string, engine: FakeEngine, options: TestServiceOptions = {}) {
  const { clock = systemClock, concurrency = 8, journalDays = 30, scheduleCommit } = options
  const { provisionerIntervalMs = 50, janitorIntervalMs = 60_000 } = options
  const database = openDatabase(path)
  const { db } = database
  const stores = testStores(db)
  const logged: LogEntry[] = []
  const write = (level: LogEntry['level']) => (fields: object, message: string) =>
    void logged.push({ level, fields: Object.fromEntries(Object.entries(fields)), message })
  const commitSizes: number[] = []
  let killed = false
  const providers = options.providers?.(engine) ?? [engine.provider(options.installation)]
  const supervisor = createSupervisor({
    ...stores,
    // Every transition reaches the disk through `commit`.
    store: {
      ...stores.store,
      commit(records) {
        if (killed)
          return new Map(records.map(({ row }) => [row.id, { revision: 0, error: new Error('the process is dead') }]))
        commitSizes.push(records.length)
        return stores.store.commit(records)
      },
    },
    templates: testTemplates(testSpec),
    defaultTemplate: 'base',
    provider: 'docker',
    providers: new Map<ProviderName, Provider>(providers.map((provider) => [provider.name, provider])),
    databaseFault: database.fault,
    checkpoint: database.checkpoint,
    clock,
    log: { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') },
    settings: { concurrency, provisionerIntervalMs, janitorIntervalMs, journalDays },
    ...(scheduleCommit && { scheduleFlush: scheduleCommit }),
  })
  let closed = false
  const service = {
    ...stores,
    supervisor,
    database,
    logged,
    /** Number of transitions in each commit so far, including failed ones. */
    commitSizes,
    create: (name: string, caller: Caller = ann, overrides: { ttlSeconds?: number; template?: string } = {}) =>
      supervisor.create(
        { name, template: overrides.template ?? null, ttlSeconds: overrides.ttlSeconds ?? null, metadata: null },
        caller,
      ),
    send: (id: WorkspaceId, command: UserCommandRequest, caller: Caller = ann) => supervisor.send(id, caller, command),
    find: (id: WorkspaceId, caller: Caller = ann) => supervisor.find(id, caller),
    /** The state as operators see it; `not-found` if the workspace does not exist. */
    state(id: WorkspaceId) {
      const view = supervisor.find(id, root)
      return view ? (view.kind === 'live' ? statePath(view.snapshot.value) : 'unreadable') : 'not-found'
    },
    /** The states in the journal, oldest first. */
    stateTrail: (id: WorkspaceId) => stores.journal.lines(id, 0, 1000).map(({ to }) => to),
    lines: (id: WorkspaceId) => stores.journal.lines(id, 0, 1000),
    errors: () => logged.filter(({ level }) => level === 'error').map(({ message }) => message),
    async close() {
      if (closed) return
      closed = true
      await supervisor.close()
      database.close()
    },
    /** Simulates a killed process: nothing is written from now on. */
    async kill() {
      killed = true
      await service.close()
    },
  }
  onTestFinished(service.close)
  return service
}

/** Returns a path for a database in a folder of its own, which is removed after the test. */
export function newDatabasePath(): string {
  const folder = mkdtempSync(join(tmpdir(), 'vm-api-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'vm.db')
}

/** Starts a service on a new database and a new engine, and waits for rehydration. */
export async function startTestService(options: TestServiceOptions = {}) {
  const path = newDatabasePath()
  const engine = fakeEngine()
  const service = startServiceOn(path, engine, options)
  await service.supervisor.rehydrated
  return { ...service, path, engine }
}

/** A second connection to the database, which sees only committed data. */
export function databaseReader(path: string) {
  const db = new Sqlite(path, { readonly: true })
  onTestFinished(() => void db.close())
  const row = db.prepare<[string], { status: string; revision: number; snapshot: string; expires_at: number | null }>(
    'SELECT status, revision, snapshot, expires_at FROM workspaces WHERE id = ?',
  )
  return {
    row: (id: WorkspaceId) => row.get(id),
    /** The state on disk; `not-found` if there is no row. */
    state(id: WorkspaceId): string {
      const stored = row.get(id)
      if (!stored) return 'not-found'
      const parsed: unknown = JSON.parse(stored.snapshot)
      const value = typeof parsed === 'object' && parsed !== null && 'value' in parsed ? parsed.value : undefined
      return statePathOf(value)
    },
  }
}

function statePathOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value)
  return Object.entries(value)
    .map(([key, inner]) => `${key}.${statePathOf(inner)}`)
    .join()
}

export const ann = callerOf('ann')
export const ben = callerOf('ben')
export const root: Caller = { ...callerOf('root'), operator: true }

export function callerOf(name: string): Caller {
  const owner = parseOwner(name)
  if (!owner) throw new Error(`${name} is not a valid owner`)
  return { owner, operator: false }
}

/** Returns the id of a created workspace. */
export function createdId(created: CreateResult): WorkspaceId {
  if (created.kind !== 'created') throw new Error(`the workspace was not created: ${created.kind}`)
  return workspaceIdOf(created.view)
}

export function workspaceIdOf(view: WorkspaceView): WorkspaceId {
  return view.kind === 'live' ? view.snapshot.context.id : view.row.id
}

export function contextOf(view: WorkspaceView | undefined) {
  if (view?.kind !== 'live') throw new Error('the workspace does not exist or cannot be read')
  return view.snapshot.context
}

/** Returns the containers of a workspace, of any installation. */
export function containersOf(engine: FakeEngine, id: WorkspaceId) {
  return [...engine.containers.values()].filter(({ workspaceId }) => workspaceId === id)
}

/** Polls until `read` returns `expected`: effects and commits do not signal when they are done. */
export async function eventually<T>(read: () => T, expected: T, withinMs = 5000): Promise<void> {
  await vi.waitFor(() => expect(read()).toEqual(expected), { interval: 2, timeout: withinMs })
}

/** Returns a promise that is pending until `open` is called. */
export function createGate() {
  let open: () => void = () => undefined
  const opened = new Promise<undefined>((resolve) => {
    open = () => resolve(undefined)
  })
  return { opened, open }
}
