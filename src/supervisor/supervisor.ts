// What may be asked of the service. Everything that happens to a workspace goes through `create`, `tell` or an observation of its
// engine; everything that is answered is on disk (law 2).
import { workspaceRefOf } from '../machines/workspace-context.ts'
import type { WorkspaceCommand } from '../machines/workspace-event.ts'
import { statePath, statusOf } from '../machines/workspace-snapshot.ts'
import type { JournalRow } from '../persistence/journal.ts'
import type { workspaceList } from '../persistence/workspace-list.ts'
import { isNameTaken } from '../persistence/workspace-store.ts'
import type { Caller } from '../workspace/caller.ts'
import { newWorkspaceId } from '../workspace/id.ts'
import type { WorkspaceId } from '../workspace/id.ts'
import type { WorkspaceSpec } from '../workspace/spec.ts'
import type { ProviderName } from '../workspace/workspace-ref.ts'
import type {
  CreateResult,
  WorkspaceListOptions,
  SubscribeResult,
  SupervisorHealth,
  IdempotentRequest,
  WorkspaceListPage,
  ResolveResult,
  WorkspaceView,
  CommandResult,
  CreateRequest,
} from './requests.ts'
import { workspaceView } from './requests.ts'
import { eventFeed } from './event-feed.ts'
import { operationsStatus } from './operations-status.ts'
import { orphanActions } from './orphans.ts'
import type { MaintenanceDeps } from './maintenance.ts'
import { startMaintenance } from './maintenance.ts'
import { idempotencyRetentionMs } from './maintenance-sweeps.ts'

export interface SupervisorDeps extends Omit<MaintenanceDeps, 'notify'> {
  readonly list: ReturnType<typeof workspaceList>
  /** What workspaces can be made from, by name. */
  readonly templates: ReadonlyMap<string, { readonly spec: WorkspaceSpec }>
  readonly defaultTemplate: string
  /** Where new workspaces run. */
  readonly provider: ProviderName
  /** What is wrong with the database; `null` if nothing is. */
  readonly databaseFault: () => string | null
}

export type Supervisor = ReturnType<typeof createSupervisor>

/** A command as users give it: the supervisor adds when and by whom. */
export type UserCommandRequest = { [C in WorkspaceCommand as C['type']]: Omit<C, 'at' | 'by'> }[Exclude<
  WorkspaceCommand['type'],
  'expire'
>]

/** Brings every stored workspace back to life and answers for all of them until `close()`. It can be asked at once. */
export function createSupervisor(deps: SupervisorDeps) {
  const { storedResponses, clock, defaultTemplate, journal, list, provider, store, templates } = deps
  const events = eventFeed(journal)
  const maintenance = startMaintenance({ ...deps, notify: events.notify })
  const { actors } = maintenance
  const orphans = orphanActions({ ...deps, ...maintenance, notify: events.notify })
  const pendingCreates = new Map<string, Promise<unknown>>()

  function viewOf(id: WorkspaceId): WorkspaceView | undefined {
    const live = actors.find(id)
    if (live) return workspaceView(live)
    const quarantined = actors.findQuarantined(id)
    return quarantined && { kind: 'quarantined', ...quarantined }
  }

  /** Another owner's workspace does not exist (law 11), and nor does one's own once its delete was answered. */
  function find(id: WorkspaceId, { owner, operator }: Caller): WorkspaceView | undefined {
    const view = viewOf(id)
    if (!view || operator) return view
    const ownedBy = view.kind === 'live' ? view.snapshot.context.owner : view.row.owner
    return ownedBy === owner && isVisibleToOwner(view) ? view : undefined
  }

  async function createWorkspace(
    createRequest: CreateRequest,
    { owner }: Caller,
    idempotency: IdempotentRequest | undefined,
  ): Promise<CreateResult> {
    if (idempotency) {
      const previous = storedResponses.find(owner, idempotency.key, clock.now() - idempotencyRetentionMs)
      if (previous?.fingerprint === idempotency.fingerprint) return { kind: 'replayed', response: previous.response }
      if (previous) return { kind: 'key-reused' }
    }
    const template = createRequest.template ?? defaultTemplate
    const spec = templates.get(template)?.spec
    if (!spec) return { kind: 'unknown-template', available: [...templates.keys()] }
    if (store.nameTaken(owner, createRequest.name)) return { kind: 'name-taken' }
    const at = clock.now()
    const workspaceRequest = { ...createRequest, id: newWorkspaceId(), owner, template, provider, spec, at }
    const created = await actors.create(
      workspaceRequest,
      `user:${owner}`,
      idempotency &&
        ((snapshot) => ({
          ...idempotency,
          response: idempotency.renderResponse({ kind: 'live', snapshot, updatedAt: at }),
        })),
    )
    if (created.kind === 'lost') return notWrittenResult(created.failedWrite.error)
    return { kind: 'created', view: { kind: 'live', snapshot: created.snapshot, updatedAt: at } }
  }

  async function deleteQuarantined(
    view: WorkspaceView & { kind: 'quarantined' },
    at: number,
    by: string,
  ): Promise<CommandResult> {
    const deletion = await actors.deleteQuarantined(view.row.id, { event: 'delete', at, by })
    if (deletion.kind === 'lost') return notWrittenResult(deletion.failedWrite.error)
    if (deletion.kind === 'none') return { kind: 'not-found' }
    maintenance.resume(view.row.id)
    return { kind: 'accepted', view: view }
  }

  return {
    find,

    /** A workspace with the number of the write that made it so. */
    findWithRevision(
      id: WorkspaceId,
      caller: Caller,
    ): { readonly view: WorkspaceView; readonly revision: number } | undefined {
      const view = find(id, caller)
      if (!view) return undefined
      const revision = view.kind === 'live' ? actors.find(id)?.revision : view.row.revision
      return { view: view, revision: revision ?? 0 }
    },

    /** Makes a workspace. A second request with a key that is under way waits for the first and gets its answer. */
    async create(createRequest: CreateRequest, caller: Caller, idempotency?: IdempotentRequest): Promise<CreateResult> {
      if (!idempotency) return createWorkspace(createRequest, caller, undefined)
      const key = `${caller.owner},${idempotency.key}` // no owner has a comma
      while (pendingCreates.has(key)) await pendingCreates.get(key)?.catch(() => undefined) // its failure is its own
      const pending = createWorkspace(createRequest, caller, idempotency)
      pendingCreates.set(key, pending)
      try {
        return await pending
      } finally {
        pendingCreates.delete(key)
      }
    },

    /** Tells a workspace what to do. Accepted means: on disk, and on its way. */
    async send(id: WorkspaceId, caller: Caller, command: UserCommandRequest): Promise<CommandResult> {
      const view = find(id, caller)
      if (!view) return { kind: 'not-found' }
      const [at, by] = [clock.now(), `user:${caller.owner}`]
      if (view.kind === 'quarantined')
        return command.type === 'delete' ? deleteQuarantined(view, at, by) : refusedQuarantined
      const { name, owner } = view.snapshot.context
      // To be refused by the database would put it back, and cut off what it is doing.
      if (
        command.type === 'update' &&
        command.name !== undefined &&
        command.name !== name &&
        store.nameTaken(owner, command.name)
      )
        return { kind: 'name-taken' }
      const accepted = actors.send(id, { ...command, at, by })
      const after = actors.find(id)?.actor.getSnapshot() ?? view.snapshot
      const failedWrite = await actors.whenCommitted(id) // a refusal names a state, so it waits too
      if (failedWrite) return notWrittenResult(failedWrite.error)
      if (accepted) return { kind: 'accepted', view: { kind: 'live', snapshot: after, updatedAt: at } }
      // Refused because it is being deleted since: to the asker it does not exist any more.
      return find(id, caller) ? { kind: 'refused', state: statePath(after.value) } : { kind: 'not-found' }
    },

    /** Finds a workspace for a caller, and the guest port of its provider. */
    resolve(id: WorkspaceId, caller: Caller): ResolveResult {
      const view = find(id, caller)
      if (!view) return { kind: 'not-found' }
      if (view.kind === 'quarantined') return { kind: 'quarantined' }
      const { snapshot } = view
      const { context } = snapshot
      const { guest } = deps.providers.get(context.provider) ?? { guest: undefined }
      return guest
        ? {
            kind: 'found',
            state: statePath(snapshot.value),
            ready: snapshot.hasTag('ready'),
            settled: snapshot.hasTag('settled'),
            workspace: workspaceRefOf(context),
            guest,
          }
        : { kind: 'quarantined' }
    },

    /** Waits until a workspace that is being deleted is gone, for at most so long. */
    waitUntilDeleted: maintenance.waitUntilDeleted,

    /** Lists what the asker may see, newest first. */
    list({ owner, limit, ...filter }: WorkspaceListOptions, caller: Caller): WorkspaceListPage {
      const allOwners = caller.operator && owner === '*' // a user may be called so too
      // To anybody else, other owners' workspaces do not exist.
      if (!caller.operator && owner !== undefined && owner !== '*' && owner !== caller.owner)
        return { workspaces: [], next: null }
      const rows = list({
        ...filter,
        ...(!allOwners && { owner: caller.operator ? (owner ?? caller.owner) : caller.owner }),
        ...(limit !== undefined && { limit: limit + 1 }),
        deleting: caller.operator && (owner !== undefined || filter.status === 'deleting'),
      })
      const page = limit === undefined ? rows : rows.slice(0, limit)
      return {
        workspaces: page.flatMap(({ id }) => viewOf(id) ?? []),
        next: page.length < rows.length ? (page.at(-1)?.seq ?? null) : null,
      }
    },

    /** A workspace's history after line number `after`, oldest first; `undefined` if it does not exist for the asker. It outlives the workspace. */
    history(id: WorkspaceId, caller: Caller, after: number, limit: number): readonly JournalRow[] | undefined {
      const owner = journal.ownerOf(id)
      return owner !== undefined && (caller.operator || owner === caller.owner)
        ? journal.lines(id, after, limit)
        : undefined
    },

    /**
     * Follows what is committed, of one workspace or of all that the asker may see, after line number `after`; `null`: from now on.
     * `unknown`: there is no such workspace for the asker; `no-such-place`: the journal has never been that far; `over`: the workspace is
     * gone, and nothing comes any more.
     */
    subscribe(
      { caller, workspace, after }: { caller: Caller; workspace: WorkspaceId | null; after: number | null },
      wake: () => void,
    ): SubscribeResult {
      if (workspace) {
        const owner = journal.ownerOf(workspace)
        if (owner === undefined || !(caller.operator || owner === caller.owner)) return { kind: 'not-found' }
      }
      const newest = events.newest()
      if (after !== null && after > newest) return { kind: 'unknown-position' }
      const from = after ?? newest
      const isDeleted = workspace && journal.lastKnownStatus(workspace) === 'deleted'
      if (isDeleted && journal.lines(workspace, from, 1).length === 0) return { kind: 'ended' }
      const scope = { ...(workspace && { workspace }), ...(!caller.operator && { owner: caller.owner }) }
      return { kind: 'subscribed', from, subscription: events.subscribe(scope, from, wake) }
    },

    health(): SupervisorHealth {
      const faults = maintenance.faults().map(({ message }) => message)
      return {
        database: deps.databaseFault(),
        provider: faults.length > 0 ? faults.join(' ') : null,
        rehydrating: maintenance.rehydrating(),
      }
    },

    /** How many workspaces are in each state, those that cannot be read under `unreadable`. */
    states(): ReadonlyMap<string, number> {
      const counts = new Map<string, number>()
      for (const { committed } of actors.all().values()) {
        const state = statePath(committed.value)
        counts.set(state, (counts.get(state) ?? 0) + 1)
      }
      return actors.quarantinedCount() === 0 ? counts : counts.set('unreadable', actors.quarantinedCount())
    },

    /** What a workspace's lifecycle commands wrote: as far as it is on disk, and a call whenever there is more. */
    lifecycleOutput: { after: maintenance.lifecycleOutput.after, subscribe: maintenance.lifecycleOutput.subscribe },

    rehydrated: maintenance.rehydrated,
    orphans: maintenance.orphans,
    removeOrphan: orphans.remove,
    adoptOrphan: orphans.adopt,

    queue: maintenance.queue,

    /** What goes on without being asked, for operators. */
    operations: () => operationsStatus(maintenance, deps.settings.concurrency),
    close: maintenance.close,
  }
}

const refusedQuarantined = { kind: 'refused', state: 'failed' } as const

function isVisibleToOwner(view: WorkspaceView): boolean {
  const status = view.kind === 'live' ? statusOf(view.snapshot.value) : view.row.status
  return status !== 'deleting' && status !== 'deleted'
}

function notWrittenResult(error: unknown) {
  return isNameTaken(error) ? ({ kind: 'name-taken' } as const) : ({ kind: 'write-failed', error } as const)
}
