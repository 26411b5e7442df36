import { keptAnswers } from '../../src/persistence/idempotency.ts'
import { journal } from '../../src/persistence/journal.ts'
import { workspaceList } from '../../src/persistence/workspace-list.ts'
import type { WrittenStep } from '../../src/persistence/workspace-row.ts'
import { workspaceStore } from '../../src/persistence/workspace-store.ts'
import type { WorkspaceStore } from '../../src/persistence/workspace-store.ts'
import type { Provider } from '../../src/provider/provider.ts'
import type { Supervisor } from '../../src/supervisor/supervisor.ts'
import { supervise } from '../../src/supervisor/supervisor.ts'
import type { Log } from '../../src/workspace/log.ts'
import type { Recipe } from '../../src/workspace/recipe.ts'
import type { Chance } from '../chance.ts'
import { frailStore } from './frail-store.ts'
import type { Frailty } from './frail-store.ts'
import type { Request } from './request.ts'
import type { UnrulyEngine } from './unruly-engine.ts'
import type { WorldClock } from './world-clock.ts'
import type { WorldDisk } from './world-disk.ts'

const recipe: Recipe = {
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
  postStart: [],
}

const templates = new Map([
  ['base', { recipe }],
  ['broken', { recipe: { ...recipe, postCreate: [{ name: 'postCreateCommand', run: 'exit 3' }] } }],
  ['missing', { recipe: { ...recipe, image: 'missing:1' } }],
])

/** One process of the service: it lives until it is closed or killed, and another one takes over the same file and engine. */
export interface WorldProcess {
  readonly supervisor: Supervisor
  /** When it began, on the clock that never jumps. */
  readonly since: number
  alive(): boolean
  pendingTimers(): number
  /** Nothing of it is heard from now on. */
  kill(): void
  close(): Promise<void>
}

export interface WorldProcessDeps {
  readonly disk: WorldDisk
  readonly engine: UnrulyEngine
  readonly clock: WorldClock
  readonly chance: Chance
  readonly frailty: Frailty
  readonly settings: { readonly concurrency: number; readonly sweepMs: number }
  readonly began: (request: Request, others: readonly Request[]) => void
  readonly kept: (steps: readonly WrittenStep[]) => void
  readonly refused: () => void
  readonly died: () => void
  /** Told of what the service calls a bug of its own. */
  readonly bug: (what: string) => void
  readonly spoil: Spoil
}

/** What is deliberately broken, to see that a broken world is found out. */
export interface Spoil {
  readonly provider?: (provider: Provider, engine: UnrulyEngine) => Provider
  readonly store?: (store: WorkspaceStore) => WorkspaceStore
  readonly supervisor?: (supervisor: Supervisor) => Supervisor
}

/** Starts a process. */
export function startProcess(deps: WorldProcessDeps): WorldProcess {
  const { disk, engine, clock, chance, frailty, settings, spoil, began, kept, refused, died, bug } = deps
  const database = disk.open()
  const { db } = database
  const since = clock.monotonic()
  const own = clock.forProcess(chance.luck)
  const provider = engine.provider(began)
  let alive = true

  function kill() {
    if (!alive) return
    alive = false
    frailty.death = null
    own.kill()
    engine.kill(provider)
    died()
  }

  function read(fields: object, message: string) {
    if (!alive) return
    if (message.includes('bug in vm-api')) bug(`${message}: ${'err' in fields ? String(fields.err) : ''}`)
    if (message.includes('cannot be read and is set aside')) bug(message)
  }
  const log: Log = { debug() {}, info() {}, warn: read, error: read }
  const store = frailStore({
    store: workspaceStore(db),
    frailty,
    chance,
    alive: () => alive,
    die: kill,
    kept,
    refused,
    stir: clock.stir,
  })
  const supervisor = supervise({
    store: spoil.store?.(store) ?? store,
    journal: journal(db),
    answers: keptAnswers(db),
    list: workspaceList(db),
    templates,
    defaultTemplate: 'base',
    provider: 'docker',
    providers: new Map([['docker', spoil.provider?.(provider, engine) ?? provider]]),
    databaseTrouble: () => null,
    checkpoint: () => {},
    clock: own,
    log,
    settings: {
      concurrency: settings.concurrency,
      provisionerIntervalMs: settings.sweepMs,
      janitorIntervalMs: 60_000,
      journalDays: 30,
    },
  })
  return {
    supervisor: spoil.supervisor?.(supervisor) ?? supervisor,
    since,
    alive: () => alive,
    pendingTimers: own.pending,
    kill,
    async close() {
      if (alive) await supervisor.close()
      kill()
      await clock.settle() // what it still has under way comes to nothing, before its connection goes
      database.close()
    },
  }
}
