// Keeps everything going without being asked: brings the actors back, resumes what was cut off, grants slots, expires, reconciles.
import type { Journal } from '../persistence/journal.ts'
import type { ExecLog } from '../persistence/exec-log.ts'
import type { StoredResponses } from '../persistence/stored-responses.ts'
import type { LifecycleOutputStore } from '../persistence/lifecycle-output-store.ts'
import type { WorkspaceStore } from '../persistence/workspace-store.ts'
import type { Provider } from '../provider/provider.ts'
import type { WorkspaceId } from '../workspace/id.ts'
import type { Log } from '../workspace/log.ts'
import type { ProviderName } from '../workspace/workspace-ref.ts'
import type { Clock } from '../workspace/clock.ts'
import { withEffects } from './effects.ts'
import { expiryScheduler } from './expiry-scheduler.ts'
import { lifecycleOutputLog as hear } from './lifecycle-output-log.ts'
import type { CommittedTransition } from './live-workspace.ts'
import type { ActorRegistry } from './actors.ts'
import { actorRegistry as populate } from './actors.ts'
import { reconciler } from './reconcile.ts'
import { resumeQueue } from './resume-queue.ts'
import type { SupervisorObserver } from './observer.ts'
import { isDeletionStuck, provisioningPhaseOf } from './provisioning-phase.ts'
import { provisioningSlots as makeSlots } from './provisioning-slots.ts'
import { maintenanceSweeps } from './maintenance-sweeps.ts'
import { isSettled } from './drift.ts'

export interface MaintenanceDeps {
  readonly store: WorkspaceStore
  readonly journal: Journal
  readonly storedResponses: StoredResponses
  /** What was run inside workspaces, to be forgotten with their histories; nothing, if nothing is said. */
  readonly execLog?: Pick<ExecLog, 'prune'>
  /** Where it is kept what lifecycle commands write; nowhere, if nothing is said. */
  readonly lifecycleOutput?: LifecycleOutputStore
  /** Empties the database's log while nothing else is going on. */
  readonly checkpoint: () => void
  /** Every provider that a workspace may name. */
  readonly providers: ReadonlyMap<ProviderName, Provider>
  readonly clock: Clock
  readonly log: Log
  /** Told after each commit. */
  readonly notify: () => void
  readonly observer?: SupervisorObserver
  readonly settings: {
    readonly concurrency: number
    readonly provisionerIntervalMs: number
    readonly janitorIntervalMs: number
    readonly journalDays: number
  }
  /** Runs a write at the end of the turn. */
  readonly scheduleFlush?: (flush: () => void) => void
}

export type Maintenance = ReturnType<typeof startMaintenance>

/** Rows brought back before others get their turn. */
const rowsPerTurn = 250
const retryMs = 5000

const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve))

export function startMaintenance(deps: MaintenanceDeps) {
  const { store, journal, providers, clock, log, settings, scheduleFlush, notify, observer } = deps
  const deletionWaiters = new Map<WorkspaceId, Set<() => void>>()
  const lifecycleOutput = hear({ store: deps.lifecycleOutput, clock, log })
  let rehydrating = true
  let closed = false

  const logic = withEffects({
    clock,
    log,
    writeFailed: async (id) => (await actors.whenCommitted(id)) !== undefined,
    providerOf,
    onProgress: (id, text) => void actors.send(id, { type: 'progress', at: clock.now(), by: 'engine', text }),
    lifecycleOutput,
  })
  const actors: ActorRegistry = populate({
    store,
    logic,
    log,
    now: clock.now,
    onCommit,
    onInterrupted(id) {
      pendingResumes.add(id)
      // A slot would let it go on without its deadline: it asks for one when it is told to go on.
      slots.update(id, actors.find(id)?.committed.context.owner ?? '', 'rest')
    },
    ...(scheduleFlush && { scheduleFlush }),
  })
  const pendingResumes = resumeQueue({
    find: (id) => actors.find(id)?.actor.getSnapshot(),
    send: (id, type) => void actors.send(id, { type, at: clock.now(), by: 'system:provisioner' }),
    nextTurn,
  })
  const slots = makeSlots(settings.concurrency, (id) =>
    actors.send(id, { type: 'granted', at: clock.now(), by: 'system:provisioner' }),
  )
  const expirations = expiryScheduler({
    store,
    clock,
    log,
    expire(id, at) {
      const by = 'system:expiry'
      if (!actors.send(id, { type: 'expire', at, by }))
        runInBackground('an expiry', async () => {
          if ((await actors.deleteQuarantined(id, { event: 'expire', at, by })).kind === 'begun')
            pendingResumes.resume(id)
        })
    },
  })
  const reconcilers = [...providers.values()].map((provider) =>
    reconciler({ provider, actors, journal, clock, log, onConnected: () => wakeWaitingFor(provider.name) }),
  )

  function providerOf(id: WorkspaceId): Provider {
    const name = actors.find(id)?.committed.context.provider
    const provider = name && providers.get(name)
    if (!provider) throw new Error(`workspace ${id} names a provider that is not set up: ${name}`)
    return provider
  }

  function onCommit(transitions: readonly CommittedTransition[], anyWritten: boolean) {
    for (const { id, before, after, line } of transitions) {
      const { owner, expiresAt } = after.context
      if (line) log.debug({ workspace: id, ...line }, 'committed')
      // One that was cut off asks for a slot when it is told to go on: without that, it has no deadline.
      slots.update(id, owner, pendingResumes.has(id) ? 'rest' : provisioningPhaseOf(after))
      if (line && isDeletionStuck(after))
        log.warn(
          { workspace: id, reason: after.context.reason },
          'a deleted workspace cannot be removed from its engine',
        )
      if (expiresAt !== null && expiresAt !== before?.context.expiresAt) expirations.schedule(expiresAt)
      if (after.status === 'done') {
        for (const wake of deletionWaiters.get(id) ?? []) wake()
        for (const reconciler of reconcilers) reconciler.onDeleted(id)
      } else if (isSettled(after)) for (const reconciler of reconcilers) reconciler.onSettled(id)
    }
    if (transitions.length > 0) runInBackground('telling of what was committed', notify)
    runInBackground('counting what was committed', () => observer?.onCommit(transitions))
    if (anyWritten && !closed) slots.grantFreeSlots() // after a loss the sweep does it: a full disk would be a hot loop
  }

  /** Those that wait for an engine go on at once when it is back. */
  function wakeWaitingFor(name: ProviderName) {
    const ids: WorkspaceId[] = []
    for (const [id, { committed: snapshot }] of actors.all())
      if (snapshot.context.provider === name && snapshot.can({ type: 'wake', at: 0, by: '' })) ids.push(id)
    runInBackground('going on with an engine that is back', () => pendingResumes.wake(ids))
  }

  /** What fails here is logged and comes round again: a disk that does not read must not end the service. */
  function runInBackground(description: string, run: () => void | Promise<void>) {
    void (async () => run())().catch((error: unknown) => logFailure(description, error))
  }

  function logFailure(description: string, error: unknown) {
    if (!closed) log.error({ err: error }, `${description} did not succeed and comes round again`)
  }

  async function rehydrate() {
    let lastSeq: number | undefined = 0
    while (lastSeq !== undefined) {
      await nextTurn()
      if (closed) return
      try {
        const rows = store.after(lastSeq, rowsPerTurn)
        actors.rehydrate(rows)
        lastSeq = rows.at(-1)?.seq
      } catch (error) {
        log.error({ err: error, after: lastSeq }, 'stored workspaces cannot be read, which is tried again')
        await new Promise<void>((resolve) => void clock.timer(retryMs, resolve))
      }
    }
    rehydrating = false
    actors.markRehydrated()
    // An inventory before this one may have been held against some of them only.
    for (const reconciler of reconcilers)
      if (reconciler.fault() === null) runInBackground('a reconciliation', reconciler.reconcileAll)
    await pendingResumes.resumeAll()
    expirations.sweep()
  }

  const sweeps = maintenanceSweeps({ ...deps, pendingResumes, slots, expirations, reconcilers, onFailure: logFailure })
  const rehydrated = rehydrate()

  return {
    actors,
    /** Settles when every stored workspace is alive and what was cut off is under way again. */
    rehydrated,
    rehydrating: () => rehydrating,
    resume: pendingResumes.resume,
    lifecycleOutput,
    /** Waits until the workspace's last step is on disk, for at most so long. */
    waitUntilDeleted(id: WorkspaceId, atMostMs: number): Promise<void> {
      if (!actors.find(id)) return Promise.resolve()
      return new Promise((resolve) => {
        const waiters = deletionWaiters.get(id) ?? new Set()
        deletionWaiters.set(id, waiters)
        const wake = () => {
          cancel()
          waiters.delete(wake)
          if (waiters.size === 0) deletionWaiters.delete(id)
          resolve()
        }
        const cancel = clock.timer(atMostMs, wake)
        waiters.add(wake)
      })
    },
    /** Why no work gets done, of each engine that does not answer. */
    faults: () => reconcilers.flatMap((reconciler) => reconciler.fault() ?? []),
    /** Containers of ours that nobody here ever heard of. */
    orphans: () =>
      reconcilers
        .flatMap((reconciler) => reconciler.orphans())
        // What became of one since the inventory, the next inventory does not see at once.
        .filter(
          ({ workspaceId: id }) =>
            !actors.find(id) && !actors.findQuarantined(id) && journal.lastKnownStatus(id) !== 'deleted',
        ),
    /** Holds what the engines have against what is known, now. */
    async reconcile() {
      await Promise.all(reconcilers.map((reconciler) => reconciler.reconcileAll()))
    },
    queue: slots.counts,
    sweeps: sweeps.statuses,
    expiryPausedUntil: expirations.pausedUntil,
    /** Ends all of it; the workspaces stay as they are (law 12). */
    async close() {
      closed = true
      pendingResumes.close()
      sweeps.stop()
      expirations.close()
      for (const reconciler of reconcilers) reconciler.close()
      await actors.close()
      lifecycleOutput.close()
    },
  }
}
