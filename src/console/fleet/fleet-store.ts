import { ApiError } from '../../client/api-error.ts'
import type { Client, TransitionEvent, Workspace } from '../../client/client.ts'
import { errorText } from '../error-text.ts'

/** What the page shows of all workspaces. Each change creates a new view. */
export interface FleetView {
  /** Newest first. */
  readonly workspaces: readonly Workspace[]
  readonly loaded: boolean
  /** Why the list cannot be read. */
  readonly error: string | null
  readonly connection: 'connecting' | 'connected' | 'reconnecting'
}

export type FleetStore = ReturnType<typeof fleetStore>

export const statusOrder: readonly Workspace['status'][] = ['failed', 'creating', 'running', 'stopped', 'deleting']

const maxConcurrentReads = 6
/** Changes within this time are rendered together. */
const renderIntervalMs = 60
const retryDelayMs = 3000

/**
 * Keeps every workspace that the user may see up to date until `close`. The list is read once the event feed is connected, so that no
 * change in between is missed; a workspace that changes is read again on its own.
 */
export function fleetStore(client: Client) {
  const cache = workspaceCache()
  const viewListeners = new Set<() => void>()
  const transitionListeners = new Set<(transition: TransitionEvent) => void>()
  const shutdown = new AbortController()
  const refresh = refreshQueue(readWorkspace, shutdown.signal)
  let view: FleetView = { workspaces: [], loaded: false, error: null, connection: 'connecting' }
  let renderTimer: ReturnType<typeof setTimeout> | undefined
  let loadGeneration = 0

  function updateView(changes: Partial<FleetView> = {}) {
    view = { ...view, ...changes }
    renderTimer ??= setTimeout(() => {
      renderTimer = undefined
      view = { ...view, workspaces: cache.newestFirst() }
      for (const notify of viewListeners) notify()
    }, renderIntervalMs)
  }

  async function load() {
    const generation = ++loadGeneration
    const isCurrent = () => generation === loadGeneration && !shutdown.signal.aborted
    const listing = cache.beginListing()
    try {
      for await (const page of client.list({ owner: '*' })) {
        if (!isCurrent()) return
        listing.add(page)
        updateView({ error: null, ...(listing.isFirst && cache.size() > 0 && { loaded: true }) })
      }
      listing.removeUnlisted()
      updateView({ loaded: true, error: null })
    } catch (error) {
      updateView({ error: errorText(error) })
      if (isCurrent()) setTimeout(() => generation === loadGeneration && void load(), retryDelayMs)
    }
  }

  async function readWorkspace(id: string) {
    try {
      cache.put(await client.get(id))
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) cache.remove(id)
      else if (!shutdown.signal.aborted) setTimeout(() => refresh(id), retryDelayMs)
    }
    updateView()
  }

  void followEvents(client, shutdown.signal, {
    onTransition(transition) {
      cache.applyTransition(transition)
      if (transition.to !== 'deleted') refresh(transition.workspace)
      for (const notify of transitionListeners) notify(transition)
      updateView()
    },
    onConnected(resumed) {
      updateView({ connection: 'connected' })
      if (!resumed || !view.loaded) void load()
    },
    onLost: (error) => updateView({ connection: 'reconnecting', ...(error !== null && { error }) }),
  })

  return {
    getView: () => view,
    /** Calls `listener` after each change of the view. Returns the function that unsubscribes. */
    subscribe: (listener: () => void) => subscribeTo(viewListeners, listener),
    /** Calls `listener` with each transition. Returns the function that unsubscribes. */
    onTransition: (listener: (transition: TransitionEvent) => void) => subscribeTo(transitionListeners, listener),
    /** Stores a workspace from the response to a command. */
    putWorkspace(workspace: Workspace) {
      cache.put(workspace)
      updateView()
    },
    refresh,
    reload: () => void load(),
    close() {
      clearTimeout(renderTimer)
      shutdown.abort()
    },
  }
}

interface FeedHandlers {
  readonly onTransition: (transition: TransitionEvent) => void
  /** Events may be missing since the last connection unless `resumed` is true. */
  readonly onConnected: (resumed: boolean) => void
  readonly onLost: (error: string | null) => void
}

/** Follows the event feed until `signal` aborts. A failed feed is opened again after a delay. */
async function followEvents(client: Client, signal: AbortSignal, handlers: FeedHandlers): Promise<void> {
  try {
    for await (const event of client.events(null, signal))
      if (event.kind === 'transition') handlers.onTransition(event.transition)
      else if (event.kind === 'disconnected') handlers.onLost(null)
      else handlers.onConnected(event.resumed)
  } catch (error) {
    // The service may have rejected the user; a proxy may accept the next attempt.
    if (signal.aborted) return
    handlers.onLost(errorText(error))
    setTimeout(() => signal.aborted || void followEvents(client, signal, handlers), retryDelayMs)
  }
}

function subscribeTo<Listener>(listeners: Set<Listener>, listener: Listener): () => void {
  listeners.add(listener)
  return () => void listeners.delete(listener)
}

/** The workspaces by id. A listing never overwrites what was learned of a workspace after the listing began. */
function workspaceCache() {
  const workspacesById = new Map<string, Workspace>()
  const deletedIds = new Set<string>()
  const idsTouchedSinceListing = new Set<string>()

  function remove(id: string) {
    deletedIds.add(id)
    workspacesById.delete(id)
  }

  return {
    size: () => workspacesById.size,
    newestFirst: () => [...workspacesById.values()].sort(compareNewestFirst),
    put(workspace: Workspace) {
      idsTouchedSinceListing.add(workspace.id)
      if (!deletedIds.has(workspace.id)) workspacesById.set(workspace.id, workspace)
    },
    remove,
    /** Shows the new state at once. Whatever else changed must be read from the service. */
    applyTransition({ at, to, workspace: id }: TransitionEvent) {
      if (to === 'deleted') return remove(id)
      idsTouchedSinceListing.add(id)
      const current = workspacesById.get(id)
      const status = statusOrder.find((candidate) => candidate === to.split('.')[0])
      if (current) workspacesById.set(id, { ...current, state: to, status: status ?? current.status, updated_at: at })
    },
    beginListing() {
      const listedIds = new Set<string>()
      const previousIds = new Set(workspacesById.keys())
      idsTouchedSinceListing.clear()
      return {
        isFirst: previousIds.size === 0,
        add(page: readonly Workspace[]) {
          for (const workspace of page) {
            listedIds.add(workspace.id)
            if (!idsTouchedSinceListing.has(workspace.id) && !deletedIds.has(workspace.id))
              workspacesById.set(workspace.id, workspace)
          }
        },
        removeUnlisted() {
          for (const id of previousIds)
            if (!listedIds.has(id) && !idsTouchedSinceListing.has(id)) workspacesById.delete(id)
        },
      }
    },
  }
}

/**
 * A function that reads a workspace soon, with at most {@link maxConcurrentReads} reads at a time. Reads of the same workspace never
 * overlap, so that a slow response cannot overwrite a newer one.
 */
function refreshQueue(read: (id: string) => Promise<void>, signal: AbortSignal): (id: string) => void {
  const staleIds = new Set<string>()
  const inFlightIds = new Set<string>()
  function readStale() {
    for (const id of staleIds) {
      if (inFlightIds.size >= maxConcurrentReads) return
      if (inFlightIds.has(id)) continue
      staleIds.delete(id)
      inFlightIds.add(id)
      void read(id).finally(() => {
        inFlightIds.delete(id)
        readStale()
      })
    }
  }
  return (id) => {
    if (signal.aborted) return
    staleIds.add(id)
    readStale()
  }
}

function compareNewestFirst(a: Workspace, b: Workspace): number {
  if (a.created_at === b.created_at) return a.id < b.id ? 1 : -1
  return a.created_at < b.created_at ? 1 : -1
}
