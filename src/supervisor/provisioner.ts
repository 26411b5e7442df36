// Decides when workspaces do their work: slots for provisioning, fairly between owners, and the resumption of interrupted work.
import type { WorkspaceSnapshot } from '../machines/workspace-snapshot.ts'
import type { Clock } from '../workspace/clock.ts'
import type { WorkspaceId } from '../workspace/id.ts'
import type { ProviderName } from '../workspace/workspace-ref.ts'
import type { ActorRegistry } from './actors.ts'
import type { Reconciler } from './reconcile.ts'
import type { Background } from './sweep.ts'
import { nextTurn, startSweep } from './sweep.ts'

export interface ProvisionerDeps {
  readonly actors: ActorRegistry
  readonly reconcilers: readonly Reconciler[]
  readonly clock: Clock
  readonly background: Background
  readonly settings: { readonly concurrency: number; readonly provisionerIntervalMs: number }
  /** Called when a sweep starts. */
  readonly onSweep: () => void
}

export type Provisioner = ReturnType<typeof startProvisioner>

/** Grants slots and resumes interrupted workspaces. Work starts at once; the sweep catches what was missed. */
export function startProvisioner({ actors, reconcilers, clock, background, settings, onSweep }: ProvisionerDeps) {
  const by = 'system:provisioner'
  let closed = false
  const resumes = resumeQueue({
    find: (id) => actors.find(id)?.actor.getSnapshot(),
    send: (id, type) => void actors.send(id, { type, at: clock.now(), by }),
  })
  const slots = provisioningSlots(settings.concurrency, (id) =>
    actors.send(id, { type: 'granted', at: clock.now(), by }),
  )

  actors.onInterrupted((id, { context }) => {
    resumes.add(id)
    // With a slot it would continue without its deadline. It requests one after `resume`.
    slots.update(id, context.owner, 'idle')
  })
  actors.onCommitted((transitions, anyWritten) => {
    for (const { id, after } of transitions)
      slots.update(id, after.context.owner, resumes.has(id) ? 'idle' : provisioningPhaseOf(after))
    if (anyWritten && !closed) slots.grantFreeSlots() // else the sweep does it: on a full disk this would be a hot loop
  })
  for (const reconciler of reconcilers)
    reconciler.onConnected(() =>
      background.run('waking workspaces that wait for the engine', () => resumes.wake(waitingFor(reconciler.provider))),
    )

  function waitingFor(provider: ProviderName): readonly WorkspaceId[] {
    return [...actors.all()].flatMap(([id, { committed }]) =>
      committed.context.provider === provider && committed.can({ type: 'wake', at: 0, by: '' }) ? [id] : [],
    )
  }

  const sweep = startSweep({
    clock,
    name: 'provisioner',
    everyMs: settings.provisionerIntervalMs,
    tasks: [
      { description: 'counting a sweep', run: onSweep },
      { description: 'resuming interrupted workspaces', countName: 'resumed', run: resumes.resumeAll },
      { description: 'granting slots', countName: 'granted', run: slots.grantFreeSlots },
      ...reconcilers.map(({ pingEngine }) => ({ description: 'pinging an unavailable engine', run: pingEngine })),
    ],
    onFailure: background.logFailure,
  })
  return {
    resume: resumes.resume,
    resumeAll: resumes.resumeAll,
    queue: slots.counts,
    status: sweep.status,
    close() {
      closed = true
      resumes.close()
      sweep.stop()
    },
  }
}

/** Whether a workspace waits for a slot, holds one, or needs none. */
export type ProvisioningPhase = 'queued' | 'working' | 'idle'

function provisioningPhaseOf(snapshot: WorkspaceSnapshot): ProvisioningPhase {
  if (snapshot.status !== 'active') return 'idle'
  return snapshot.hasTag('queued') ? 'queued' : snapshot.hasTag('working') ? 'working' : 'idle'
}

export interface ProvisioningSlots {
  /** Sets the phase that a workspace is committed to. */
  update(id: WorkspaceId, owner: string, phase: ProvisioningPhase): void
  /** Grants free slots and returns how many: in turns between owners, and in order of arrival for each owner. */
  grantFreeSlots(): number
  counts(): { readonly queued: number; readonly working: number }
}

/**
 * Limits how many workspaces are provisioned at a time. `grant` is called for the next workspace; it returns false if that does not
 * need the slot any more.
 */
export function provisioningSlots(size: number, grant: (id: WorkspaceId) => boolean): ProvisioningSlots {
  // A Map keeps the order of insertion: the next owner stands first and goes to the end once served.
  const queues = new Map<string, Set<WorkspaceId>>()
  const working = new Set<WorkspaceId>()

  function leaveQueue(id: WorkspaceId, owner: string) {
    const queue = queues.get(owner)
    if (queue?.delete(id) === true && queue.size === 0) queues.delete(owner)
  }

  return {
    update(id, owner, phase) {
      if (phase === 'working') return void working.add(id)
      working.delete(id)
      if (phase === 'idle') return leaveQueue(id, owner)
      const queue = queues.get(owner)
      if (queue) queue.add(id)
      else queues.set(owner, new Set([id]))
    },
    grantFreeSlots() {
      let granted = 0
      while (working.size < size) {
        const [next] = queues
        if (!next) break
        const [owner, queue] = next
        const [id] = queue
        queues.delete(owner)
        if (id === undefined) continue
        queue.delete(id)
        if (queue.size > 0) queues.set(owner, queue)
        working.add(id)
        if (grant(id)) granted += 1
        else working.delete(id)
      }
      return granted
    },
    counts: () => ({
      queued: [...queues.values()].reduce((sum, queue) => sum + queue.size, 0),
      working: working.size,
    }),
  }
}

export interface ResumeQueue {
  /** Adds a workspace that a start of the service or a failed write interrupted. */
  add(id: WorkspaceId): void
  /** Returns true if the workspace is interrupted and not resumed yet. */
  has(id: WorkspaceId): boolean
  /** Resumes one workspace, if it is interrupted. */
  resume(id: WorkspaceId): void
  /** Resumes all that are interrupted now, in batches, and returns how many. What is added meanwhile waits for the next call. */
  resumeAll(): Promise<number>
  /** Ends the wait of these workspaces, except interrupted ones. */
  wake(ids: readonly WorkspaceId[]): Promise<void>
  close(): void
}

export interface ResumeQueueDeps {
  /** Returns the present snapshot of an actor; `undefined` if the workspace is not live. */
  readonly find: (id: WorkspaceId) => WorkspaceSnapshot | undefined
  readonly send: (id: WorkspaceId, event: 'resume' | 'wake') => void
}

/** Workspaces resumed or woken in one turn. */
const batchSize = 250

/** Holds interrupted workspaces until they are resumed. Resuming them at once would be a hot loop on a full disk. */
export function resumeQueue({ find, send }: ResumeQueueDeps): ResumeQueue {
  const interrupted = new Set<WorkspaceId>()
  let closed = false

  function resume(id: WorkspaceId) {
    if (!interrupted.delete(id)) return
    const snapshot = find(id)
    // A command may have started other work since, which `resume` would abort.
    if (snapshot && Object.keys(snapshot.children).length === 0) send(id, 'resume')
  }

  async function forEachInBatches(ids: readonly WorkspaceId[], action: (id: WorkspaceId) => void) {
    for (const [index, id] of ids.entries()) {
      if (index > 0 && index % batchSize === 0) await nextTurn()
      if (closed) return
      action(id)
    }
  }

  return {
    add: (id) => void interrupted.add(id),
    has: (id) => interrupted.has(id),
    resume,
    async resumeAll() {
      const ids = [...interrupted]
      await forEachInBatches(ids, resume)
      return ids.length
    },
    wake: (ids) =>
      forEachInBatches(ids, (id) => {
        // An interrupted workspace would continue without its deadline.
        if (find(id)?.hasTag('waiting') === true && !interrupted.has(id)) send(id, 'wake')
      }),
    close() {
      closed = true
    },
  }
}
