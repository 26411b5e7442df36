// The engine is the truth about containers, the database about intent (law 8).
import type { Journal } from '../persistence/journal.ts'
import type { EngineNotice, Provider } from '../provider/provider.ts'
import type { ContainerRecord } from '../workspace/container.ts'
import type { Fault } from '../workspace/fault.ts'
import type { WorkspaceId } from '../workspace/id.ts'
import type { Log } from '../workspace/log.ts'
import type { ProviderName } from '../workspace/workspace-ref.ts'
import type { Clock } from '../workspace/clock.ts'
import type { LiveWorkspace } from './live-workspace.ts'
import type { ActorRegistry } from './actors.ts'
import type { OrphanContainer } from './orphans.ts'
import type { SweepRun } from './sweep.ts'
import { sweepRunRecorder } from './sweep.ts'
import { isSettled, detectDrift } from './drift.ts'

export interface Reconciler {
  readonly provider: ProviderName
  /** What came of the last inventory. */
  lastRun(): SweepRun | null
  /** Holds every container of this provider against every workspace. An inventory that failed changes nothing. */
  reconcileAll(): Promise<void>
  /** Something came to rest: what was noticed meanwhile is looked at now. */
  onSettled(id: WorkspaceId): void
  /** A workspace is deleted: nothing about it is of interest any more. */
  onDeleted(id: WorkspaceId): void
  /** Containers of this installation that nobody here ever heard of. Nothing is done to them. */
  orphans(): readonly OrphanContainer[]
  /** Asks an engine that is away why, since the reason changes: its socket is closed, then gone, then refuses. */
  pingEngine(): Promise<void>
  /** Why the engine cannot be reached; `null` while it can. */
  fault(): Fault | null
  close(): void
}

export interface ReconcilerDeps {
  readonly provider: Provider
  readonly actors: ActorRegistry
  readonly journal: Pick<Journal, 'lastKnownStatus'>
  readonly clock: Clock
  readonly log: Log
  /** The engine answers (again). */
  readonly onConnected: () => void
}

/** Workspaces held against an inventory before others get their turn. */
const comparisonsPerTurn = 1000
/** Containers looked up; at the start each may bring its workspace to life on the way. */
const lookupsPerTurn = 100
const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve))

/** Follows one provider's engine, and reconciles at the start, after each reconnect and when asked to. */
export function reconciler({ provider, actors, journal, clock, log, onConnected }: ReconcilerDeps): Reconciler {
  const closing = new AbortController()
  const recorder = sweepRunRecorder(clock)
  /** Noticed while the workspace was on its way. */
  const changedWhileBusy = new Set<WorkspaceId>()
  let orphans: readonly OrphanContainer[] = []
  let engineFault: Fault | null = { kind: 'unavailable', message: 'the engine has not answered yet' }
  let running: Promise<void> | undefined
  let rerun = false
  /** Deleted since the inventory under way began: it may still show their containers. */
  const deletedMeanwhile = new Set<WorkspaceId>()

  /** Sends what was found. `stale`: the workspace has moved since commit number `since`, or is moving. */
  function applyDrift(
    id: WorkspaceId,
    { committed, commit, stagedRevision, revision }: LiveWorkspace,
    containers: readonly ContainerRecord[],
    sinceCommit: number,
  ): 'stale' | 'agrees' | 'follows' {
    if (commit > sinceCommit || stagedRevision !== revision || !isSettled(committed)) return 'stale'
    const event = detectDrift(committed, containers, clock.now())
    if (!event || !actors.send(id, event)) return 'agrees'
    log.info({ workspace: id, found: event.type }, 'the workspace follows what its engine says')
    return 'follows'
  }

  function reinspect(id: WorkspaceId) {
    inspectWorkspace(id).catch((bug: unknown) => {
      if (!closing.signal.aborted) log.error({ err: bug, workspace: id }, 'a look at a container did not succeed')
    })
  }

  async function inspectWorkspace(id: WorkspaceId): Promise<void> {
    for (;;) {
      const before = actors.find(id)
      if (before?.committed.context.provider !== provider.name) return // without a workspace: an inventory tells of it
      if (!isSettled(before.committed)) return void changedWhileBusy.add(id)
      const sinceCommit = actors.commitCount()
      const inspected = await provider.inspect(id, closing.signal)
      if (closing.signal.aborted || !inspected.ok) return
      const live = actors.find(id)
      if (!live || applyDrift(id, live, inspected.value ? [inspected.value] : [], sinceCommit) !== 'stale') return
      if (live.stagedRevision !== live.revision) return void changedWhileBusy.add(id)
    }
  }

  async function runOnce() {
    const run = recorder.start()
    try {
      await compareWithEngine(run)
    } catch (error) {
      run.fail(String(error))
      throw error
    } finally {
      run.end()
    }
  }

  async function compareWithEngine({ count, fail }: ReturnType<typeof recorder.start>) {
    deletedMeanwhile.clear()
    const sinceCommit = actors.commitCount()
    const listing = await provider.list(closing.signal)
    if (closing.signal.aborted) return
    if (!listing.ok) {
      fail(listing.fault.message)
      return log.warn({ provider: provider.name, reason: listing.fault.message }, 'no inventory: nothing is reconciled')
    }
    count('containers', listing.value.length)
    const containersByWorkspace = new Map<WorkspaceId, ContainerRecord[]>()
    for (const container of listing.value) {
      const siblings = containersByWorkspace.get(container.workspaceId)
      if (siblings) siblings.push(container)
      else containersByWorkspace.set(container.workspaceId, [container])
    }
    // One that is on its way sees for itself; one that has moved meanwhile is seen by the next inventory.
    let [compared, changed] = [0, 0]
    for (const [id, live] of actors.all()) {
      const isOurs = live.committed.context.provider === provider.name
      if (isOurs && applyDrift(id, live, containersByWorkspace.get(id) ?? [], sinceCommit) === 'follows') changed += 1
      compared += 1
      if (compared % comparisonsPerTurn === 0) await nextTurn()
      if (closing.signal.aborted) return
    }
    count('changed', changed)
    count('removed', await removeLeftovers(listing.value))
    count('orphans', orphans.length)
  }

  /** Removes what the journal says was deleted; what it never heard of is shown and left alone: an older database may have been put back. Answers how many went. */
  async function removeLeftovers(containers: readonly ContainerRecord[]): Promise<number> {
    const unknownContainers: OrphanContainer[] = []
    let removedCount = 0
    for (const [index, container] of containers.entries()) {
      const { workspaceId, containerId } = container
      if (index > 0 && index % lookupsPerTurn === 0) await nextTurn()
      if (closing.signal.aborted) return removedCount
      if (deletedMeanwhile.has(workspaceId)) continue
      if (actors.find(workspaceId) || actors.findQuarantined(workspaceId)) continue
      if (journal.lastKnownStatus(workspaceId) !== 'deleted') {
        unknownContainers.push({ ...container, provider: provider.name })
        continue
      }
      const removal = await provider.remove(workspaceId, containerId, closing.signal)
      if (removal.ok) removedCount += 1
      log.warn(
        { workspace: workspaceId, container: containerId, removed: removal.ok },
        'a deleted workspace had left its container',
      )
    }
    if (unknownContainers.length > 0 && unknownContainers.length !== orphans.length)
      log.warn(
        { containers: unknownContainers.map(({ containerId }) => containerId) },
        'containers of this installation belong to no workspace that was ever heard of, and are left alone: was an older database put back?',
      )
    orphans = unknownContainers
    return removedCount
  }

  /** One at a time; what is asked while one is under way is answered by another after it, since that one may have seen too little. */
  async function reconcileAll(): Promise<void> {
    if (running) {
      rerun = true
      return running
    }
    running = (async () => {
      do {
        rerun = false
        await runOnce()
      } while (rerun && !closing.signal.aborted)
    })()
    try {
      await running
    } finally {
      running = undefined
    }
  }

  function onNotice(notice: EngineNotice) {
    if (closing.signal.aborted) return
    if (notice.kind === 'changed') reinspect(notice.workspaceId)
    else if (notice.kind === 'disconnected') {
      log.warn(
        { provider: provider.name, reason: notice.fault.message },
        'the provider is away; work that needs it waits',
      )
      engineFault = notice.fault
    } else {
      if (engineFault) log.info({ provider: provider.name }, 'the provider answers')
      engineFault = null
      onConnected()
      reconcileAll().catch((bug: unknown) =>
        log.error({ err: bug, provider: provider.name }, 'a reconciliation did not succeed'),
      )
    }
  }

  const watcher = provider.watch(onNotice)

  return {
    provider: provider.name,
    lastRun: recorder.lastRun,
    reconcileAll,
    onSettled(id) {
      if (changedWhileBusy.delete(id)) reinspect(id)
    },
    onDeleted(id) {
      changedWhileBusy.delete(id)
      if (running) deletedMeanwhile.add(id)
    },
    async pingEngine() {
      if (!engineFault) return
      const outcome = await provider.ping(closing.signal)
      // That it answers is believed when it is told of, with the events that were missed.
      if (engineFault && !outcome.ok && !closing.signal.aborted) engineFault = outcome.fault
    },
    orphans: () => orphans,
    fault: () => engineFault,
    close() {
      closing.abort()
      watcher.close()
    },
  }
}
