// The engine is the truth about containers, the database about intent (law 8).
import { isDeepStrictEqual } from 'node:util'
import type { WorkspaceObservation } from '../machines/workspace-event.ts'
import type { WorkspaceSnapshot } from '../machines/workspace-snapshot.ts'
import type { Journal } from '../persistence/journal.ts'
import type { EngineNotice, Provider } from '../provider/provider.ts'
import type { Clock } from '../workspace/clock.ts'
import type { ContainerExit, ContainerRecord } from '../workspace/container.ts'
import type { Fault } from '../workspace/fault.ts'
import type { WorkspaceId } from '../workspace/id.ts'
import type { Log } from '../workspace/log.ts'
import type { ProviderName } from '../workspace/workspace-ref.ts'
import type { ActorRegistry, LiveWorkspace } from './actors.ts'
import type { SweepRun } from './sweep.ts'
import { nextTurn, sweepRunRecorder } from './sweep.ts'

const unknownExit: ContainerExit = { code: null, outOfMemory: false, wentDownWithEngine: false }

/**
 * Compares a settled workspace with every container that carries its id, and returns what the workspace has to follow (law 8). Returns
 * `null` if they agree, or if the workspace is busy and will find out itself.
 */
export function detectDrift(
  snapshot: WorkspaceSnapshot,
  containers: readonly ContainerRecord[],
  at: number,
): WorkspaceObservation | null {
  const { containerId } = snapshot.context
  if (!snapshot.hasTag('settled') || containerId === null) return null
  const by = 'system:reconcile'
  const own = containers.find((container) => container.containerId === containerId)
  if (!own) return { type: 'vanished', at, by, containerId }
  const { state } = own
  if (state.kind === 'running') {
    const { connection } = state
    const appeared = { type: 'appeared', at, by, containerId, connection } as const
    const isKnown = snapshot.hasTag('ready') && isDeepStrictEqual(connection, snapshot.context.connection)
    return isKnown || !snapshot.can(appeared) ? null : appeared
  }
  if (!snapshot.hasTag('ready')) return null
  return { type: 'exited', at, by, containerId, exit: state.kind === 'exited' ? state.exit : unknownExit }
}

/** A container of this installation that belongs to no workspace. */
export interface OrphanContainer extends ContainerRecord {
  readonly provider: ProviderName
}

export interface Reconciler {
  readonly provider: ProviderName
  /** What the last inventory found. */
  lastRun(): SweepRun | null
  /** Compares every container of this provider with every workspace. An inventory that fails changes nothing. */
  reconcileAll(): Promise<void>
  /** Containers of this installation that belong to no workspace known so far. They are left alone. */
  orphans(): readonly OrphanContainer[]
  /** Pings an unavailable engine for the current reason, which changes: its socket is closed, then missing, then refuses. */
  pingEngine(): Promise<void>
  /** Why the engine is unavailable; `null` while it is available. */
  fault(): Fault | null
  /** Calls `listener` each time the engine becomes available. */
  onConnected(listener: () => void): void
  close(): void
}

export interface ReconcilerDeps {
  readonly provider: Provider
  readonly actors: ActorRegistry
  readonly journal: Pick<Journal, 'lastKnownStatus'>
  readonly clock: Clock
  readonly log: Log
}

interface PartDeps extends ReconcilerDeps {
  /** Aborted by `close`. */
  readonly signal: AbortSignal
}

type RunRecord = ReturnType<ReturnType<typeof sweepRunRecorder>['start']>

/** Workspaces compared in one turn. */
const comparisonsPerTurn = 1000
/** Containers looked up in one turn; during rehydration each may restore its workspace. */
const lookupsPerTurn = 100

/** Follows one provider's engine, and reconciles at the start, after each reconnect, and on demand. */
export function reconciler(deps: ReconcilerDeps): Reconciler {
  const { provider, actors, clock, log } = deps
  const closing = new AbortController()
  const { signal } = closing
  const parts = { ...deps, signal }
  const listeners: (() => void)[] = []
  const recorder = sweepRunRecorder(clock)
  const inspector = containerInspector(parts)
  const leftovers = leftoverContainers(parts)
  let engineFault: Fault | null = { kind: 'unavailable', message: 'the engine has not answered yet' }

  async function runOnce() {
    const run = recorder.start()
    try {
      await takeInventory(parts, leftovers, run)
    } catch (error) {
      run.fail(String(error))
      throw error
    } finally {
      run.end()
    }
  }
  const reconcileAll = oneAtATime(runOnce, signal)

  function onNotice(notice: EngineNotice) {
    if (signal.aborted) return
    if (notice.kind === 'changed') inspector.inspect(notice.workspaceId)
    else if (notice.kind === 'disconnected') {
      const { fault } = notice
      log.warn(
        { provider: provider.name, reason: fault.message },
        'the engine is unavailable; work that needs it waits',
      )
      engineFault = fault
    } else {
      if (engineFault) log.info({ provider: provider.name }, 'the engine is available')
      engineFault = null
      for (const listener of listeners) listener()
      reconcileAll().catch((bug: unknown) =>
        log.error({ err: bug, provider: provider.name }, 'a reconciliation failed'),
      )
    }
  }

  actors.onCommitted((transitions) => {
    for (const { id, after } of transitions) {
      if (after.status === 'done') {
        inspector.forget(id)
        leftovers.onDeleted(id)
      } else if (after.hasTag('settled')) inspector.onSettled(id)
    }
  })
  const watcher = provider.watch(onNotice)

  return {
    provider: provider.name,
    lastRun: recorder.lastRun,
    reconcileAll,
    async pingEngine() {
      if (!engineFault) return
      const outcome = await provider.ping(signal)
      // Success counts only as a notice, which comes with the events that were missed.
      if (engineFault && !outcome.ok && !signal.aborted) engineFault = outcome.fault
    },
    orphans: leftovers.orphans,
    fault: () => engineFault,
    onConnected: (listener) => void listeners.push(listener),
    close() {
      closing.abort()
      watcher.close()
    },
  }
}

/** Runs one at a time. A call during a run waits for another run after it, since that run may have seen too little. */
function oneAtATime(runOnce: () => Promise<void>, signal: AbortSignal): () => Promise<void> {
  let running: Promise<void> | undefined
  let rerun = false
  return async () => {
    if (running) {
      rerun = true
      return running
    }
    running = (async () => {
      do {
        rerun = false
        await runOnce()
      } while (rerun && !signal.aborted)
    })()
    try {
      await running
    } finally {
      running = undefined
    }
  }
}

/**
 * Sends a workspace what was found at the engine. `stale`: the workspace has changed since batch number `sinceCommit`, or is busy, so
 * that the finding may be older than its state.
 */
function followEngine(
  { actors, clock, log }: PartDeps,
  id: WorkspaceId,
  { committed, commit, stagedRevision, revision }: LiveWorkspace,
  containers: readonly ContainerRecord[],
  sinceCommit: number,
): 'stale' | 'in-sync' | 'drifted' {
  if (commit > sinceCommit || stagedRevision !== revision || !committed.hasTag('settled')) return 'stale'
  const event = detectDrift(committed, containers, clock.now())
  if (!event || !actors.send(id, event)) return 'in-sync'
  log.info({ workspace: id, observed: event.type }, 'the workspace follows its engine')
  return 'drifted'
}

/** Looks at single containers, when the engine says that something has changed. */
function containerInspector(deps: PartDeps) {
  const { provider, actors, log, signal } = deps
  const changedWhileBusy = new Set<WorkspaceId>()

  async function inspectOnce(id: WorkspaceId): Promise<void> {
    for (;;) {
      const before = actors.find(id)
      if (before?.committed.context.provider !== provider.name) return // without a workspace: left to the inventory
      if (!before.committed.hasTag('settled')) return void changedWhileBusy.add(id)
      const sinceCommit = actors.commitCount()
      const inspected = await provider.inspect(id, signal)
      if (signal.aborted || !inspected.ok) return
      const live = actors.find(id)
      const containers = inspected.value ? [inspected.value] : []
      if (!live || followEngine(deps, id, live, containers, sinceCommit) !== 'stale') return
      if (live.stagedRevision !== live.revision) return void changedWhileBusy.add(id)
    }
  }

  function inspect(id: WorkspaceId) {
    inspectOnce(id).catch((bug: unknown) => {
      if (!signal.aborted) log.error({ err: bug, workspace: id }, 'a container could not be inspected')
    })
  }

  return {
    inspect,
    /** Inspects what has changed while the workspace was busy. */
    onSettled(id: WorkspaceId) {
      if (changedWhileBusy.delete(id)) inspect(id)
    },
    forget: (id: WorkspaceId) => void changedWhileBusy.delete(id),
  }
}

/** Compares all containers with all workspaces. Busy workspaces find out themselves; changed ones are left to the next inventory. */
async function takeInventory(deps: PartDeps, leftovers: ReturnType<typeof leftoverContainers>, run: RunRecord) {
  const { provider, actors, log, signal } = deps
  leftovers.beginInventory()
  const sinceCommit = actors.commitCount()
  const listing = await provider.list(signal)
  if (signal.aborted) return
  if (!listing.ok) {
    const { message } = listing.fault
    run.fail(message)
    return log.warn({ provider: provider.name, reason: message }, 'the inventory failed: nothing is reconciled')
  }
  run.count('containers', listing.value.length)
  const containersByWorkspace = new Map<WorkspaceId, ContainerRecord[]>()
  for (const container of listing.value) {
    const siblings = containersByWorkspace.get(container.workspaceId)
    if (siblings) siblings.push(container)
    else containersByWorkspace.set(container.workspaceId, [container])
  }
  let [compared, changed] = [0, 0]
  for (const [id, live] of actors.all()) {
    const containers = containersByWorkspace.get(id) ?? []
    const isOurs = live.committed.context.provider === provider.name
    if (isOurs && followEngine(deps, id, live, containers, sinceCommit) === 'drifted') changed += 1
    compared += 1
    if (compared % comparisonsPerTurn === 0) await nextTurn()
    if (signal.aborted) return
  }
  run.count('changed', changed)
  run.count('removed', await leftovers.remove(listing.value))
  run.count('orphans', leftovers.orphans().length)
}

/**
 * Containers without a workspace. If the journal says that the workspace was deleted, its container is removed. An unknown container is
 * shown and left alone: an older database may have been restored.
 */
function leftoverContainers({ provider, actors, journal, log, signal }: PartDeps) {
  let orphans: readonly OrphanContainer[] = []
  /** Deleted since the last inventory began, which may still show their containers. */
  const deletedMeanwhile = new Set<WorkspaceId>()

  async function removeDeleted({ workspaceId, containerId }: ContainerRecord): Promise<boolean> {
    const removal = await provider.remove(workspaceId, containerId, signal)
    const fields = { workspace: workspaceId, container: containerId, removed: removal.ok }
    log.warn(fields, 'a container of a deleted workspace was left behind')
    return removal.ok
  }

  return {
    orphans: () => orphans,
    beginInventory: () => deletedMeanwhile.clear(),
    onDeleted: (id: WorkspaceId) => void deletedMeanwhile.add(id),
    /** Removes containers of deleted workspaces and returns how many; the others are orphans from now on. */
    async remove(containers: readonly ContainerRecord[]): Promise<number> {
      const unknown: OrphanContainer[] = []
      let removed = 0
      for (const [index, container] of containers.entries()) {
        const { workspaceId: id } = container
        if (index > 0 && index % lookupsPerTurn === 0) await nextTurn()
        if (signal.aborted) return removed
        if (deletedMeanwhile.has(id) || actors.view(id)) continue
        if (journal.lastKnownStatus(id) !== 'deleted') unknown.push({ ...container, provider: provider.name })
        else if (await removeDeleted(container)) removed += 1
      }
      if (unknown.length > 0 && unknown.length !== orphans.length)
        log.warn(
          { containers: unknown.map(({ containerId }) => containerId) },
          'containers of this installation belong to no known workspace and are left alone: was an older database restored?',
        )
      orphans = unknown
      return removed
    },
  }
}
