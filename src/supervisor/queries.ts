// Queries of clients. Every answer is on disk (law 2).
import { workspaceRefOf } from '../machines/workspace-context.ts'
import type { StatePath } from '../machines/workspace-snapshot.ts'
import { statePath, statusOf } from '../machines/workspace-snapshot.ts'
import type { Journal, JournalRow } from '../persistence/journal.ts'
import type { workspaceList } from '../persistence/workspace-list.ts'
import type { Guest } from '../provider/guest.ts'
import type { Provider } from '../provider/provider.ts'
import type { WorkspaceId } from '../workspace/id.ts'
import type { ProviderName, WorkspaceRef } from '../workspace/workspace-ref.ts'
import type { ActorRegistry, WorkspaceView } from './actors.ts'
import type { Caller } from '../workspace/caller.ts'
import type { EventFeed, Subscription } from './event-feed.ts'

/** Filters of a list. Only operators may name another `owner`; `*` is all owners. */
export interface WorkspaceListOptions {
  readonly owner?: string
  readonly status?: string
  readonly name?: string
  readonly template?: string
  /** Only workspaces created before the one with this number. */
  readonly before?: number
  readonly limit?: number
}

export interface WorkspaceListPage {
  readonly workspaces: readonly WorkspaceView[]
  /** `before` for the next page; `null` on the last. */
  readonly next: number | null
}

export type SubscribeResult =
  | { readonly kind: 'subscribed'; readonly from: number; readonly subscription: Subscription }
  | { readonly kind: 'not-found' }
  /** The journal has never been that far. */
  | { readonly kind: 'unknown-position' }
  /** The workspace is deleted and its last line is read. */
  | { readonly kind: 'ended' }

export interface SubscribeRequest {
  readonly caller: Caller
  /** `null`: all that the caller may see. */
  readonly workspace: WorkspaceId | null
  /** Only lines after this number; `null`: from now on. */
  readonly after: number | null
}

export type ResolveResult =
  | {
      readonly kind: 'found'
      readonly state: StatePath
      /** It can be used now. */
      readonly ready: boolean
      /** Nothing is in progress: it stays as it is until a command. */
      readonly settled: boolean
      readonly workspace: WorkspaceRef
      readonly guest: Guest
    }
  /** Its snapshot cannot be read, so its container is unknown. */
  | { readonly kind: 'quarantined' }
  | { readonly kind: 'not-found' }

export interface QueryDeps {
  readonly actors: ActorRegistry
  readonly events: EventFeed
  readonly journal: Journal
  readonly list: ReturnType<typeof workspaceList>
  readonly providers: ReadonlyMap<ProviderName, Provider>
}

export type Queries = ReturnType<typeof workspaceQueries>

export function workspaceQueries({ actors, events, journal, list, providers }: QueryDeps) {
  /** Another owner's workspace does not exist for a caller (law 11), nor does one's own after its delete was accepted. */
  function find(id: WorkspaceId, caller: Caller): WorkspaceView | undefined {
    const view = actors.view(id)
    if (!view || caller.operator) return view
    const { owner } = view.kind === 'live' ? view.snapshot.context : view.row
    return owner === caller.owner && !isDeleting(view) ? view : undefined
  }

  return {
    find,

    /** Returns a workspace with the revision of its row. */
    findWithRevision(
      id: WorkspaceId,
      caller: Caller,
    ): { readonly view: WorkspaceView; readonly revision: number } | undefined {
      const view = find(id, caller)
      if (!view) return undefined
      const revision = view.kind === 'live' ? actors.find(id)?.revision : view.row.revision
      return { view, revision: revision ?? 0 }
    },

    /** Returns the container of a workspace and the way into it, for exec, shells, files and logs. */
    resolve(id: WorkspaceId, caller: Caller): ResolveResult {
      const view = find(id, caller)
      if (!view) return { kind: 'not-found' }
      const provider = view.kind === 'live' && providers.get(view.snapshot.context.provider)
      if (view.kind === 'quarantined' || !provider) return { kind: 'quarantined' }
      const { snapshot } = view
      return {
        kind: 'found',
        state: statePath(snapshot.value),
        ready: snapshot.hasTag('ready'),
        settled: snapshot.hasTag('settled'),
        workspace: workspaceRefOf(snapshot.context),
        guest: provider.guest,
      }
    },

    list: (options: WorkspaceListOptions, caller: Caller) => listPage({ actors, list }, options, caller),

    /**
     * Returns a workspace's journal after line number `after`, oldest first; `undefined` if the workspace does not exist for the caller.
     * The journal outlives the workspace.
     */
    history(id: WorkspaceId, caller: Caller, after: number, limit: number): readonly JournalRow[] | undefined {
      return mayRead(journal.ownerOf(id), caller) ? journal.lines(id, after, limit) : undefined
    },

    subscribe: (request: SubscribeRequest, wake: () => void) => subscribe({ events, journal }, request, wake),

    /** Counts workspaces by state, quarantined ones as `unreadable`. */
    states(): ReadonlyMap<string, number> {
      const counts = new Map<string, number>()
      for (const { committed } of actors.all().values()) {
        const state = statePath(committed.value)
        counts.set(state, (counts.get(state) ?? 0) + 1)
      }
      return actors.quarantinedCount() === 0 ? counts : counts.set('unreadable', actors.quarantinedCount())
    },
  }
}

function mayRead(owner: string | undefined, caller: Caller): boolean {
  return owner !== undefined && (caller.operator || owner === caller.owner)
}

/** Lists workspaces that the caller may see, newest first. */
function listPage(
  { actors, list }: Pick<QueryDeps, 'actors' | 'list'>,
  { owner, limit, ...filter }: WorkspaceListOptions,
  caller: Caller,
): WorkspaceListPage {
  // For everyone else, workspaces of other owners do not exist.
  if (!caller.operator && owner !== undefined && owner !== '*' && owner !== caller.owner)
    return { workspaces: [], next: null }
  const allOwners = caller.operator && owner === '*' // a user may have this name too
  const rows = list({
    ...filter,
    ...(!allOwners && { owner: caller.operator ? (owner ?? caller.owner) : caller.owner }),
    ...(limit !== undefined && { limit: limit + 1 }),
    deleting: caller.operator && (owner !== undefined || filter.status === 'deleting'),
  })
  const page = limit === undefined ? rows : rows.slice(0, limit)
  return {
    workspaces: page.flatMap(({ id }) => actors.view(id) ?? []),
    next: page.length < rows.length ? (page.at(-1)?.seq ?? null) : null,
  }
}

/** Follows the journal. Calls `wake` when there is more to read. */
function subscribe(
  { events, journal }: Pick<QueryDeps, 'events' | 'journal'>,
  { caller, workspace, after }: SubscribeRequest,
  wake: () => void,
): SubscribeResult {
  if (workspace && !mayRead(journal.ownerOf(workspace), caller)) return { kind: 'not-found' }
  const newest = events.newest()
  if (after !== null && after > newest) return { kind: 'unknown-position' }
  const from = after ?? newest
  const isDeleted = workspace && journal.lastKnownStatus(workspace) === 'deleted'
  if (isDeleted && journal.lines(workspace, from, 1).length === 0) return { kind: 'ended' }
  const scope = { ...(workspace && { workspace }), ...(!caller.operator && { owner: caller.owner }) }
  return { kind: 'subscribed', from, subscription: events.subscribe(scope, from, wake) }
}

function isDeleting(view: WorkspaceView): boolean {
  const status = view.kind === 'live' ? statusOf(view.snapshot.value) : view.row.status
  return status === 'deleting' || status === 'deleted'
}
