import { ApiError } from '../client/api-error.ts'
import type { Client, TransitionEvent, Workspace } from '../client/client.ts'

/** What the page knows of all workspaces. A new one each time that something changes. */
export interface FleetView {
  /** Newest first. */
  readonly workspaces: readonly Workspace[]
  readonly loaded: boolean
  /** Why the list cannot be had. */
  readonly trouble: string | null
  readonly feed: 'connecting' | 'live' | 'lost'
}

export type Fleet = ReturnType<typeof openFleet>

/** So many changed ones are asked for at a time. */
const atOnce = 6
/** What changes within this time is drawn together. */
const drawEveryMs = 60
/** A list that could not be read is asked for again. */
const againMs = 3000

/**
 * All workspaces that one may see, kept up to date: the list is read once the feed is there, so that nothing is missed in between, and
 * what changes is read again, one by one. `close` ends it.
 */
export function openFleet(client: Client) {
  const known = new Map<string, Workspace>()
  const gone = new Set<string>()
  /** Changed, and not read again yet. */
  const stale = new Set<string>()
  /** Being read: no two at once, so that an answer that was under way for long does not undo a newer one. */
  const underWay = new Set<string>()
  /** Heard of since the list began to be read: what the list says of them may be older. */
  const touched = new Set<string>()
  const watchers = new Set<() => void>()
  const followers = new Set<(transition: TransitionEvent) => void>()
  const end = new AbortController()
  let view: FleetView = { workspaces: [], loaded: false, trouble: null, feed: 'connecting' }
  let drawing: ReturnType<typeof setTimeout> | undefined
  let walk = 0

  function change(part: Partial<FleetView> = {}) {
    view = { ...view, ...part }
    drawing ??= setTimeout(() => {
      drawing = undefined
      view = { ...view, workspaces: [...known.values()].sort(newestFirst) }
      for (const tell of watchers) tell()
    }, drawEveryMs)
  }

  function take(workspace: Workspace) {
    touched.add(workspace.id)
    if (!gone.has(workspace.id)) known.set(workspace.id, workspace)
  }

  function drop(id: string) {
    gone.add(id)
    known.delete(id)
  }

  async function load() {
    const mine = ++walk
    const met = new Set<string>()
    const before = new Set(known.keys())
    touched.clear()
    try {
      for await (const page of client.list({ owner: '*' })) {
        if (mine !== walk || end.signal.aborted) return
        for (const workspace of page) {
          met.add(workspace.id)
          if (!touched.has(workspace.id) && !gone.has(workspace.id)) known.set(workspace.id, workspace)
        }
        change({ trouble: null, ...(before.size === 0 && known.size > 0 && { loaded: true }) })
      }
      for (const id of before) if (!met.has(id) && !touched.has(id)) known.delete(id)
      change({ loaded: true, trouble: null })
    } catch (error) {
      change({ trouble: said(error) })
      if (mine === walk && !end.signal.aborted) setTimeout(() => mine === walk && void load(), againMs)
    }
  }

  function readAgain() {
    for (const id of stale) {
      if (underWay.size >= atOnce) return
      if (underWay.has(id)) continue
      stale.delete(id)
      underWay.add(id)
      void read(id).finally(() => {
        underWay.delete(id)
        readAgain()
      })
    }
  }

  async function read(id: string) {
    try {
      take(await client.get(id))
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) drop(id)
      else if (!end.signal.aborted) setTimeout(() => refresh(id), againMs)
    }
    change()
  }

  function refresh(id: string) {
    if (end.signal.aborted) return
    stale.add(id)
    readAgain()
  }

  function follow(transition: TransitionEvent) {
    const { at, to, workspace: id } = transition
    const shown = known.get(id)
    if (to === 'deleted') drop(id)
    else {
      // The state shows at once; what else has changed is read.
      const status = (to.split('.')[0] ?? '') as Workspace['status']
      if (shown) known.set(id, { ...shown, state: to, status, updated_at: at })
      touched.add(id)
      refresh(id)
    }
    for (const tell of followers) tell(transition)
    change()
  }

  async function run() {
    try {
      for await (const told of client.events(null, end.signal))
        if (told.kind === 'transition') follow(told.transition)
        else if (told.kind === 'lost') change({ feed: 'lost' })
        else {
          change({ feed: 'live' })
          if (!told.resumed || !view.loaded) void load()
        }
    } catch (error) {
      // Who asks is not known any more, say: a proxy may let them in again.
      if (end.signal.aborted) return
      change({ feed: 'lost', trouble: said(error) })
      setTimeout(() => end.signal.aborted || void run(), againMs)
    }
  }
  void run()

  return {
    read: () => view,
    /** Calls `tell` after each change of the view. Answers how to stop it. */
    watch(tell: () => void) {
      watchers.add(tell)
      return () => void watchers.delete(tell)
    },
    /** Calls `tell` with each transition. Answers how to stop it. */
    onTransition(tell: (transition: TransitionEvent) => void) {
      followers.add(tell)
      return () => void followers.delete(tell)
    },
    /** Takes a workspace as a command has answered it. */
    answered(workspace: Workspace) {
      take(workspace)
      change()
    },
    refresh,
    reload: () => void load(),
    close() {
      clearTimeout(drawing)
      end.abort()
    },
  }
}

/** A failure in words. */
export function said(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function newestFirst(one: Workspace, other: Workspace): number {
  if (one.created_at === other.created_at) return one.id < other.id ? 1 : -1
  return one.created_at < other.created_at ? 1 : -1
}
