// Puts the parts of the supervisor together. Everything that happens to a workspace is a create, a command, or an observation of its
// engine; every answer is on disk (law 2).
import { statusOf } from '../machines/workspace-snapshot.ts'
import type { ExecLog } from '../persistence/exec-log.ts'
import type { Journal } from '../persistence/journal.ts'
import type { LifecycleOutputStore } from '../persistence/lifecycle-output-store.ts'
import type { StoredResponses } from '../persistence/stored-responses.ts'
import type { workspaceList } from '../persistence/workspace-list.ts'
import type { WorkspaceStore } from '../persistence/workspace-store.ts'
import type { Provider } from '../provider/provider.ts'
import type { Clock } from '../workspace/clock.ts'
import type { Log } from '../workspace/log.ts'
import type { WorkspaceSpec } from '../workspace/spec.ts'
import type { ProviderName } from '../workspace/workspace-ref.ts'
import type { ActorRegistry, CommittedTransition } from './actors.ts'
import { actorRegistry } from './actors.ts'
import { admission as openAdmission } from './admission.ts'
import { commandSender, deletionWaiter } from './commands.ts'
import { commitLog } from './commit-log.ts'
import { machineWithEffects } from './effects.ts'
import { eventFeed } from './event-feed.ts'
import { startJanitor } from './janitor.ts'
import { lifecycleOutputLog } from './lifecycle-output-log.ts'
import { orphanContainers } from './orphans.ts'
import { startProvisioner } from './provisioner.ts'
import { workspaceQueries } from './queries.ts'
import { reconciler } from './reconcile.ts'
import type { SweepStatus } from './sweep.ts'
import { backgroundWork, nextTurn } from './sweep.ts'

export interface SupervisorDeps {
  readonly store: WorkspaceStore
  readonly journal: Journal
  readonly storedResponses: StoredResponses
  readonly list: ReturnType<typeof workspaceList>
  /** Records of execs, which are pruned like histories. */
  readonly execLog?: Pick<ExecLog, 'prune'>
  /** Where the output of lifecycle commands is stored; without it, the output is dropped. */
  readonly lifecycleOutput?: LifecycleOutputStore
  /** Empties the database's write-ahead log. */
  readonly checkpoint: () => void
  /** What is wrong with the database; `null` if nothing is. */
  readonly databaseFault: () => string | null
  /** What workspaces can be created from, by name. */
  readonly templates: ReadonlyMap<string, { readonly spec: WorkspaceSpec }>
  readonly defaultTemplate: string
  /** Where new workspaces run. */
  readonly provider: ProviderName
  /** Every provider that a stored workspace may name. */
  readonly providers: ReadonlyMap<ProviderName, Provider>
  readonly observer?: SupervisorObserver
  readonly clock: Clock
  readonly log: Log
  readonly settings: {
    readonly concurrency: number
    readonly provisionerIntervalMs: number
    readonly janitorIntervalMs: number
    readonly journalDays: number
  }
  /** Runs a write at the end of the turn. */
  readonly scheduleFlush?: (flush: () => void) => void
}

/** Counts what happens, after it has happened. */
export interface SupervisorObserver {
  onCommit(transitions: readonly CommittedTransition[]): void
  onSweep(sweep: 'provisioner' | 'janitor'): void
}

export interface SupervisorHealth {
  /** What is wrong with the database; `null` if nothing is. */
  readonly database: string | null
  /** What is wrong with the providers in use; `null` if nothing is. */
  readonly provider: string | null
  /** True until every stored workspace is restored. */
  readonly rehydrating: boolean
}

/** What the supervisor does by itself. */
export interface OperationsStatus {
  readonly queue: { readonly queued: number; readonly working: number; readonly slots: number }
  readonly sweeps: readonly SweepStatus[]
  /** Until when nothing expires, because the clock jumped; `null` if it did not. */
  readonly expiryPausedUntil: number | null
  readonly orphans: number
  /** Workspaces whose snapshots cannot be read. */
  readonly quarantined: number
}

export type Supervisor = Omit<SupervisorWithGuests, 'resolve'>

/** The supervisor with `resolve`, which gives access to guests. The composition root passes `resolve` to the runtime only. */
export type SupervisorWithGuests = ReturnType<typeof createSupervisor>

/** Restores every stored workspace and runs all of them until `close()`. Requests are answered at once. */
export function createSupervisor(deps: SupervisorDeps) {
  const { store, clock, log } = deps
  const parts = createParts(deps)
  const { actors, admission, background, janitor, orphans, provisioner, queries, reconcilers } = parts
  let rehydrating = true
  let closed = false

  async function rehydrate() {
    await restoreAll({ store, actors, clock, log, closed: () => closed })
    if (closed) return
    rehydrating = false
    actors.markRehydrated()
    // An inventory before this one may have compared only some of the workspaces.
    for (const { fault, reconcileAll } of reconcilers)
      if (fault() === null) background.run('a reconciliation', reconcileAll)
    await provisioner.resumeAll()
    janitor.expire()
  }

  return {
    ...queries,
    send: commandSender(parts),
    create: admission.create,
    waitUntilDeleted: deletionWaiter(parts),
    /** Returns the output of a workspace's lifecycle commands, as far as it is on disk, and follows it. */
    lifecycleOutput: { after: parts.lifecycleOutput.after, subscribe: parts.lifecycleOutput.subscribe },
    orphans: orphans.list,
    removeOrphan: orphans.remove,
    adoptOrphan: orphans.adopt,
    queue: provisioner.queue,
    /** Resolves when every stored workspace is restored and interrupted work is resumed. */
    rehydrated: rehydrate(),

    health(): SupervisorHealth {
      const faults = reconcilers.flatMap((reconciler) => reconciler.fault()?.message ?? [])
      return { database: deps.databaseFault(), provider: faults.length > 0 ? faults.join(' ') : null, rehydrating }
    },

    /** Returns what the supervisor does by itself, for operators. */
    operations(): OperationsStatus {
      const { nextAt } = janitor.status() // the janitor's sweep reconciles
      const reconciliations = reconcilers.map(({ provider, lastRun }) => ({
        name: `reconcile ${provider}`,
        lastRun: lastRun(),
        nextAt,
      }))
      return {
        queue: { ...provisioner.queue(), slots: deps.settings.concurrency },
        sweeps: [provisioner.status(), janitor.status(), ...reconciliations],
        expiryPausedUntil: janitor.expiryPausedUntil(),
        orphans: orphans.list().length,
        quarantined: actors.quarantinedCount(),
      }
    },

    /** Stops everything, after what is staged is written. The workspaces are not affected (law 12). */
    async close() {
      closed = true
      background.close()
      provisioner.close()
      janitor.close()
      for (const part of reconcilers) part.close()
      await actors.close()
      parts.lifecycleOutput.close()
    },
  }
}

/** Creates the parts in order: each one subscribes to those before it. */
function createParts(deps: SupervisorDeps) {
  const { store, journal, providers, observer, clock, log } = deps
  const background = backgroundWork(log)
  const events = eventFeed(journal)
  const lifecycleOutput = lifecycleOutputLog({ store: deps.lifecycleOutput, clock, log })
  const commits = commitLog({ write: store.commit, ...(deps.scheduleFlush && { scheduleFlush: deps.scheduleFlush }) })
  const { machine, onProgress } = machineWithEffects({ clock, log, commits, providers, lifecycleOutput })
  const actors = actorRegistry({ store, commits, machine, log, now: clock.now })
  onProgress((id, text) => void actors.send(id, { type: 'progress', at: clock.now(), by: 'engine', text }))
  actors.onCommitted((transitions) => {
    logTransitions(transitions, log)
    if (transitions.length > 0) background.run('notifying subscribers', events.notify)
    background.run('counting transitions', () => observer?.onCommit(transitions))
  })
  const reconcilers = [...providers.values()].map((provider) => reconciler({ provider, actors, journal, clock, log }))
  const shared = { ...deps, actors, events, reconcilers, background, lifecycleOutput }
  const provisioner = startProvisioner({ ...shared, onSweep: () => observer?.onSweep('provisioner') })
  const janitor = startJanitor({ ...shared, provisioner, onSweep: () => observer?.onSweep('janitor') })
  const admission = openAdmission(shared)
  const orphans = orphanContainers({ ...shared, admission, notify: events.notify })
  return { ...shared, provisioner, janitor, admission, orphans, queries: workspaceQueries(shared) }
}

/** Rows restored in one turn. */
const rowsPerTurn = 250
const retryMs = 5000

/** Restores all stored rows, in order of creation. While the database cannot be read, it retries every five seconds. */
async function restoreAll({
  store,
  actors,
  clock,
  log,
  closed,
}: Pick<SupervisorDeps, 'store' | 'clock' | 'log'> & { actors: ActorRegistry; closed: () => boolean }) {
  let lastSeq: number | undefined = 0
  while (lastSeq !== undefined) {
    await nextTurn()
    if (closed()) return
    try {
      const rows = store.after(lastSeq, rowsPerTurn)
      actors.rehydrate(rows)
      lastSeq = rows.at(-1)?.seq
    } catch (error) {
      log.error({ err: error, after: lastSeq }, 'stored workspaces cannot be read; this is retried')
      await new Promise<void>((resolve) => void clock.timer(retryMs, resolve))
    }
  }
}

function logTransitions(transitions: readonly CommittedTransition[], log: Log) {
  for (const { id, after, line } of transitions) {
    if (!line) continue
    log.debug({ workspace: id, ...line }, 'committed')
    const { attempts, reason } = after.context
    const isRetry = statusOf(after.value) === 'deleting' && after.hasTag('waiting')
    if (isRetry && attempts > 0 && attempts % 10 === 0)
      log.warn({ workspace: id, reason }, 'a deleted workspace cannot be removed from its engine') // law 4
  }
}
