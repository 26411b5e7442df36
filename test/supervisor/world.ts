import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { expect, onTestFinished, vi } from 'vitest'
import { openDatabase } from '../../src/persistence/database.ts'
import { keptAnswers } from '../../src/persistence/idempotency.ts'
import { journal } from '../../src/persistence/journal.ts'
import { workspaceList } from '../../src/persistence/workspace-list.ts'
import { workspaceStore } from '../../src/persistence/workspace-store.ts'
import type { Provider } from '../../src/provider/provider.ts'
import type { Asker, Created, Seen } from '../../src/supervisor/asked.ts'
import type { Clock } from '../../src/supervisor/clock.ts'
import { systemClock } from '../../src/supervisor/clock.ts'
import { supervise } from '../../src/supervisor/supervisor.ts'
import type { Ask } from '../../src/supervisor/supervisor.ts'
import { parseOwner } from '../../src/workspace/id.ts'
import type { WorkspaceId } from '../../src/workspace/id.ts'
import type { Recipe } from '../../src/workspace/recipe.ts'
import type { ProviderName } from '../../src/workspace/subject.ts'
import { statePath } from '../../src/machines/workspace-view.ts'
import type { FakeEngine } from '../provider/fake-provider.ts'
import { fakeEngine } from '../provider/fake-provider.ts'

export const recipe: Recipe = {
  image: 'base:1',
  containerEnv: {},
  remoteEnv: {},
  remoteUser: null,
  workspaceFolder: '/work',
  forwardPorts: [],
  overrideCommand: true,
  init: true,
  limits: { cpus: 1, memoryBytes: 2 ** 30, pids: 100 },
  onCreate: [],
  postCreate: [],
  postStart: [{ name: 'postStartCommand', run: 'true' }],
}

/** One line of the log. */
export interface Logged {
  readonly level: 'debug' | 'info' | 'warn' | 'error'
  readonly fields: Readonly<Record<string, unknown>>
  readonly message: string
}

export interface Setting {
  readonly clock?: Clock
  readonly concurrency?: number
  readonly provisionerIntervalMs?: number
  readonly janitorIntervalMs?: number
  readonly journalDays?: number
  /** Called with each group's write at the end of the turn. */
  readonly soon?: (run: () => void) => void
  readonly providers?: (engine: FakeEngine) => readonly Provider[]
  readonly installation?: string
}

export type Service = ReturnType<typeof startOn>

/** A service on the file at `path` and on an engine that outlives it. */
export function startOn(path: string, engine: FakeEngine, setting: Setting = {}) {
  const { clock = systemClock, concurrency = 8, journalDays = 30, soon } = setting
  const { provisionerIntervalMs = 50, janitorIntervalMs = 60_000 } = setting
  const database = openDatabase(path)
  const { db } = database
  const stores = { store: workspaceStore(db), journal: journal(db), answers: keptAnswers(db), list: workspaceList(db) }
  const logged: Logged[] = []
  const write = (level: Logged['level']) => (fields: object, message: string) =>
    void logged.push({ level, fields: Object.fromEntries(Object.entries(fields)), message })
  const groups: number[] = []
  let dead = false
  const providers = setting.providers?.(engine) ?? [engine.provider(setting.installation)]
  const supervisor = supervise({
    ...stores,
    // The only door through which steps reach the disk.
    store: {
      ...stores.store,
      keep(steps) {
        if (dead)
          return new Map(steps.map(({ row }) => [row.id, { revision: 0, error: new Error('the process is dead') }]))
        groups.push(steps.length)
        return stores.store.keep(steps)
      },
    },
    templates: new Map([
      ['base', { recipe }],
      ['broken', { recipe: { ...recipe, postCreate: [{ name: 'postCreateCommand', run: 'exit 3' }] } }],
    ]),
    defaultTemplate: 'base',
    provider: 'docker',
    providers: new Map<ProviderName, Provider>(providers.map((provider) => [provider.name, provider])),
    databaseTrouble: database.trouble,
    checkpoint: database.checkpoint,
    clock,
    log: { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') },
    settings: { concurrency, provisionerIntervalMs, janitorIntervalMs, journalDays },
    ...(soon && { soon }),
  })
  let closed = false
  const service = {
    ...stores,
    supervisor,
    database,
    logged,
    /** How many steps each commit so far had, failed ones too. */
    groups,
    create: (name: string, who: Asker = ann, more: { ttlSeconds?: number; template?: string } = {}) =>
      supervisor.create(
        { name, template: more.template ?? null, ttlSeconds: more.ttlSeconds ?? null, metadata: null },
        who,
      ),
    tell: (id: WorkspaceId, ask: Ask, who: Asker = ann) => supervisor.tell(id, who, ask),
    look: (id: WorkspaceId, who: Asker = ann) => supervisor.look(id, who),
    /** The state as operators see it; `gone` when there is no such workspace. */
    state(id: WorkspaceId) {
      const found = supervisor.look(id, root)
      return found ? (found.kind === 'readable' ? statePath(found.snapshot.value) : 'unreadable') : 'gone'
    },
    /** The states that the journal tells of. */
    trail: (id: WorkspaceId) => stores.journal.lines(id, 0, 1000).map(({ to }) => to),
    lines: (id: WorkspaceId) => stores.journal.lines(id, 0, 1000),
    errors: () => logged.filter(({ level }) => level === 'error').map(({ message }) => message),
    async close() {
      if (closed) return
      closed = true
      await supervisor.close()
      database.close()
    },
    /** The process is killed: from now on nothing is written, whatever is under way. */
    async kill() {
      dead = true
      await service.close()
    },
  }
  onTestFinished(service.close)
  return service
}

/** A path for a database in a folder of its own, removed after the test. */
export function newPath(): string {
  const folder = mkdtempSync(join(tmpdir(), 'vm-api-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'vm.db')
}

/** A service that has started, on a new file and a new engine. */
export async function start(setting: Setting = {}) {
  const path = newPath()
  const engine = fakeEngine()
  const service = startOn(path, engine, setting)
  await service.supervisor.rehydrated
  return { ...service, path, engine }
}

/** A second connection to the file, which sees only what is committed. */
export function reader(path: string) {
  const db = new Sqlite(path, { readonly: true })
  onTestFinished(() => void db.close())
  const row = db.prepare<[string], { status: string; revision: number; snapshot: string; expires_at: number | null }>(
    'SELECT status, revision, snapshot, expires_at FROM workspaces WHERE id = ?',
  )
  return {
    row: (id: WorkspaceId) => row.get(id),
    /** The state that is on disk, `gone` if there is no row. */
    state(id: WorkspaceId): string {
      const found = row.get(id)
      if (!found) return 'gone'
      const parsed: unknown = JSON.parse(found.snapshot)
      const value = typeof parsed === 'object' && parsed !== null && 'value' in parsed ? parsed.value : undefined
      return pathOf(value)
    },
  }
}

function pathOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value)
  return Object.entries(value)
    .map(([key, inner]) => `${key}.${pathOf(inner)}`)
    .join()
}

export const ann = asker('ann')
export const ben = asker('ben')
export const root: Asker = { ...asker('root'), operator: true }

export function asker(name: string): Asker {
  const owner = parseOwner(name)
  if (!owner) throw new Error(`${name} is no owner`)
  return { owner, operator: false }
}

/** The id of a workspace that was made. */
export function idOf(created: Created): WorkspaceId {
  if (created.kind !== 'created') throw new Error(`it was not created: ${created.kind}`)
  return seenId(created.seen)
}

export function seenId(seen: Seen): WorkspaceId {
  return seen.kind === 'readable' ? seen.snapshot.context.id : seen.row.id
}

export function contextOf(seen: Seen | undefined) {
  if (seen?.kind !== 'readable') throw new Error('it is not there, or not readable')
  return seen.snapshot.context
}

/** Containers of one workspace, whatever their installation. */
export function containersOf(engine: FakeEngine, id: WorkspaceId) {
  return [...engine.containers.values()].filter(({ workspaceId }) => workspaceId === id)
}

/** Polls, since effects and commits tell nobody when they are done. */
export async function comes<T>(look: () => T, expected: T, withinMs = 5000): Promise<void> {
  await vi.waitFor(() => expect(look()).toEqual(expected), { interval: 2, timeout: withinMs })
}

/** A gate that holds up whoever comes to it until it is opened. */
export function gate() {
  let open: () => void = () => undefined
  const opened = new Promise<undefined>((resolve) => {
    open = () => resolve(undefined)
  })
  return { opened, open }
}
