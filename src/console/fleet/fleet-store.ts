import { ApiError } from '../../client/api-error.ts'
import type { Client, TransitionEvent, Workspace } from '../../client/client.ts'

/** What the page knows of all workspaces. A new one each time that something changes. */
export interface FleetView {
  /** Newest first. */
  readonly workspaces: readonly Workspace[]
  readonly loaded: boolean
  /** Why the list cannot be had. */
  readonly error: string | null
  readonly connection: 'connecting' | 'live' | 'lost'
}

export type FleetStore = ReturnType<typeof fleetStore>

/** So many changed ones are asked for at a time. */
const maxConcurrentReads = 6
/** What changes within this time is drawn together. */
const renderIntervalMs = 60
/** A list that could not be read is asked for again. */
const retryDelayMs = 3000

/**
 * All workspaces that one may see, kept up to date: the list is read once the feed is there, so that nothing is missed in between, and
 * what changes is read again, one by one. `close` ends it.
 */
export function fleetStore(client: Client) {
  const workspacesById = new Map<string, Workspace>()
  const deletedIds = new Set<string>()
  /** Changed, and not read again yet. */
  const staleIds = new Set<string>()
  /** Being read: no two at once, so that an answer that was under way for long does not undo a newer one. */
  const inFlightIds = new Set<string>()
  /** Heard of since the list began to be read: what the list says of them may be older. */
  const touchedIds = new Set<string>()
  const viewListeners = new Set<() => void>()
  const transitionListeners = new Set<(transition: TransitionEvent) => void>()
  const shutdown = new AbortController()
  let view: FleetView = { workspaces: [], loaded: false, error: null, connection: 'connecting' }
  let renderTimer: ReturnType<typeof setTimeout> | undefined
  let loadGeneration = 0

  function updateView(changes: Partial<FleetView> = {}) {
    view = { ...view, ...changes }
    renderTimer ??= setTimeout(() => {
      renderTimer = undefined
      view = { ...view, workspaces: [...workspacesById.values()].sort(newestFirst) }
      for (const notify of viewListeners) notify()
    }, renderIntervalMs)
  }

  function upsert(workspace: Workspace) {
    touchedIds.add(workspace.id)
    if (!deletedIds.has(workspace.id)) workspacesById.set(workspace.id, workspace)
  }

  function remove(id: string) {
    deletedIds.add(id)
    workspacesById.delete(id)
  }

  async function load() {
    const generation = ++loadGeneration
    const listedIds = new Set<string>()
    const previousIds = new Set(workspacesById.keys())
    touchedIds.clear()
    try {
      for await (const page of client.list({ owner: '*' })) {
        if (generation !== loadGeneration || shutdown.signal.aborted) return
        for (const workspace of page) {
          listedIds.add(workspace.id)
          if (!touchedIds.has(workspace.id) && !deletedIds.has(workspace.id))
            workspacesById.set(workspace.id, workspace)
        }
        updateView({ error: null, ...(previousIds.size === 0 && workspacesById.size > 0 && { loaded: true }) })
      }
      for (const id of previousIds) if (!listedIds.has(id) && !touchedIds.has(id)) workspacesById.delete(id)
      updateView({ loaded: true, error: null })
    } catch (error) {
      updateView({ error: errorText(error) })
      if (generation === loadGeneration && !shutdown.signal.aborted)
        setTimeout(() => generation === loadGeneration && void load(), retryDelayMs)
    }
  }

  function readStale() {
    for (const id of staleIds) {
      if (inFlightIds.size >= maxConcurrentReads) return
      if (inFlightIds.has(id)) continue
      staleIds.delete(id)
      inFlightIds.add(id)
      void readWorkspace(id).finally(() => {
        inFlightIds.delete(id)
        readStale()
      })
    }
  }

  async function readWorkspace(id: string) {
    try {
      upsert(await client.get(id))
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) remove(id)
      else if (!shutdown.signal.aborted) setTimeout(() => refresh(id), retryDelayMs)
    }
    updateView()
  }

  function refresh(id: string) {
    if (shutdown.signal.aborted) return
    staleIds.add(id)
    readStale()
  }

  function applyTransition(transition: TransitionEvent) {
    const { at, to, workspace: id } = transition
    const current = workspacesById.get(id)
    if (to === 'deleted') remove(id)
    else {
      // The state shows at once; what else has changed is read.
      const status = (to.split('.')[0] ?? '') as Workspace['status']
      if (current) workspacesById.set(id, { ...current, state: to, status, updated_at: at })
      touchedIds.add(id)
      refresh(id)
    }
    for (const notify of transitionListeners) notify(transition)
    updateView()
  }

  async function followEvents() {
    try {
      for await (const event of client.events(null, shutdown.signal))
        if (event.kind === 'transition') applyTransition(event.transition)
        else if (event.kind === 'disconnected') updateView({ connection: 'lost' })
        else {
          updateView({ connection: 'live' })
          if (!event.resumed || !view.loaded) void load()
        }
    } catch (error) {
      // Who asks is not known any more, say: a proxy may let them in again.
      if (shutdown.signal.aborted) return
      updateView({ connection: 'lost', error: errorText(error) })
      setTimeout(() => shutdown.signal.aborted || void followEvents(), retryDelayMs)
    }
  }
  void followEvents()

  return {
    getView: () => view,
    /** Calls `tell` after each change of the view. Answers how to stop it. */
    subscribe(listener: () => void) {
      viewListeners.add(listener)
      return () => void viewListeners.delete(listener)
    },
    /** Calls `tell` with each transition. Answers how to stop it. */
    onTransition(listener: (transition: TransitionEvent) => void) {
      transitionListeners.add(listener)
      return () => void transitionListeners.delete(listener)
    },
    /** Takes a workspace as a command has answered it. */
    putWorkspace(workspace: Workspace) {
      upsert(workspace)
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

/** A failure in words. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function newestFirst(a: Workspace, b: Workspace): number {
  if (a.created_at === b.created_at) return a.id < b.id ? 1 : -1
  return a.created_at < b.created_at ? 1 : -1
}
