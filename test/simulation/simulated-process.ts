import type { TransitionRecord } from '../../src/persistence/workspace-row.ts'
import type { WorkspaceStore } from '../../src/persistence/workspace-store.ts'
import type { Provider } from '../../src/provider/provider.ts'
import type { Supervisor } from '../../src/supervisor/supervisor.ts'
import { createSupervisor } from '../../src/supervisor/supervisor.ts'
import type { Log } from '../../src/workspace/log.ts'
import type { SeededRandom } from '../seeded-random.ts'
import { testSpec, testStores, testTemplates } from '../supervisor/supervisor-fixture.ts'
import { flakyStore } from './flaky-store.ts'
import type { StoreFaults } from './flaky-store.ts'
import type { EngineRequest } from './engine/engine-request.ts'
import type { FaultyEngine } from './engine/faulty-engine.ts'
import type { SimulationClock } from './simulation-clock.ts'
import type { SimulationDatabase } from './simulation-database.ts'

const templates = testTemplates({ ...testSpec, postStart: [] })

/** A process of the service. After it is closed or killed, another one takes over the same database and engine. */
export interface SimulatedProcess {
  readonly supervisor: Supervisor
  /** On the monotonic clock. */
  readonly startedAt: number
  alive(): boolean
  pendingTimers(): number
  /** Stops all activity of the process at once. */
  kill(): void
  close(): Promise<void>
}

export interface SimulatedProcessDeps {
  readonly disk: SimulationDatabase
  readonly engine: FaultyEngine
  readonly clock: SimulationClock
  readonly random: SeededRandom
  readonly storeFaults: StoreFaults
  readonly settings: { readonly concurrency: number; readonly sweepIntervalMs: number }
  readonly onCall: (request: EngineRequest, others: readonly EngineRequest[]) => void
  readonly onCommitted: (transitions: readonly TransitionRecord[]) => void
  readonly onWriteRefused: () => void
  readonly onExit: () => void
  /** Called when the service logs a bug of its own. */
  readonly onBugReport: (message: string) => void
  readonly mutation: Mutation
}

/** A deliberate bug, to test that the checks detect it. */
export interface Mutation {
  readonly provider?: (provider: Provider, engine: FaultyEngine) => Provider
  readonly store?: (store: WorkspaceStore) => WorkspaceStore
  readonly supervisor?: (supervisor: Supervisor) => Supervisor
}

/** Starts a process. */
export function startSimulatedProcess(deps: SimulatedProcessDeps): SimulatedProcess {
  const {
    disk,
    engine,
    clock,
    random,
    storeFaults,
    settings,
    mutation,
    onCall,
    onCommitted,
    onWriteRefused,
    onExit,
    onBugReport,
  } = deps
  const database = disk.open()
  const { db } = database
  const startedAt = clock.monotonic()
  const processClock = clock.forProcess(random.next)
  const provider = engine.provider(onCall)
  let alive = true

  function kill() {
    if (!alive) return
    alive = false
    storeFaults.crash = null
    processClock.kill()
    engine.kill(provider)
    onExit()
  }

  function inspectLog(fields: object, message: string) {
    if (!alive) return
    if (message.includes('bug in vm-api')) onBugReport(`${message}: ${'err' in fields ? String(fields.err) : ''}`)
    if (message.includes('cannot be read and is quarantined')) onBugReport(message)
  }
  const log: Log = { debug() {}, info() {}, warn: inspectLog, error: inspectLog }
  const stores = testStores(db)
  const store = flakyStore({
    store: stores.store,
    storeFaults,
    random,
    alive: () => alive,
    die: kill,
    onCommitted,
    onWriteRefused,
    recordActivity: clock.recordActivity,
  })
  const supervisor = createSupervisor({
    ...stores,
    store: mutation.store?.(store) ?? store,
    templates,
    defaultTemplate: 'base',
    provider: 'docker',
    providers: new Map([['docker', mutation.provider?.(provider, engine) ?? provider]]),
    databaseFault: () => null,
    checkpoint: () => {},
    clock: processClock,
    log,
    settings: {
      concurrency: settings.concurrency,
      provisionerIntervalMs: settings.sweepIntervalMs,
      janitorIntervalMs: 60_000,
      journalDays: 30,
    },
  })
  return {
    supervisor: mutation.supervisor?.(supervisor) ?? supervisor,
    startedAt,
    alive: () => alive,
    pendingTimers: processClock.pending,
    kill,
    async close() {
      if (alive) await supervisor.close()
      kill()
      await clock.settle() // pending work ends before the connection is closed
      database.close()
    },
  }
}
