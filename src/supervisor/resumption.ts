import type { WorkspaceSnapshot } from '../machines/workspace-view.ts'
import type { WorkspaceId } from '../workspace/id.ts'

export interface Resumption {
  /** A workspace was cut off, by a start of the service or by a lost step, and is to go on when its turn comes. */
  interrupted(id: WorkspaceId): void
  /** Is it cut off, and not told to go on yet? */
  has(id: WorkspaceId): boolean
  /** Lets one of those go on now. */
  resume(id: WorkspaceId): void
  /**
   * Lets all of those go on that were cut off until now, some at a time, and answers how many. What is cut off again meanwhile waits for the
   * next call.
   */
  resumeAll(): Promise<number>
  /** Ends the pauses of these workspaces: what they wait for has come. */
  wake(ids: readonly WorkspaceId[]): Promise<void>
  close(): void
}

export interface ResumptionDeps {
  /** The workspace's actor as it is now; `undefined` if it does not live. */
  readonly find: (id: WorkspaceId) => WorkspaceSnapshot | undefined
  readonly tell: (id: WorkspaceId, what: 'resume' | 'wake') => void
  /** Gives everybody else a turn. */
  readonly turn: () => Promise<void>
}

/** So many are told in one turn. */
const chunk = 250

/** Lets workspaces go on that were cut off. They are told to by nobody else: on a full disk, going on at once would be a hot loop. */
export function resumption({ find, tell, turn }: ResumptionDeps): Resumption {
  const waiting = new Set<WorkspaceId>()
  let closed = false

  function resume(id: WorkspaceId) {
    if (!waiting.delete(id)) return
    const snapshot = find(id)
    // It may have been told to do something else since, which is under way: to go on would cut that off.
    if (snapshot && Object.keys(snapshot.children).length === 0) tell(id, 'resume')
  }

  async function each(ids: readonly WorkspaceId[], act: (id: WorkspaceId) => void) {
    for (const [index, id] of ids.entries()) {
      if (index > 0 && index % chunk === 0) await turn()
      if (closed) return
      act(id)
    }
  }

  return {
    interrupted: (id) => void waiting.add(id),
    has: (id) => waiting.has(id),
    resume,
    async resumeAll() {
      const ids = [...waiting]
      await each(ids, resume)
      return ids.length
    },
    wake: (ids) =>
      each(ids, (id) => {
        const snapshot = find(id)
        if (snapshot?.hasTag('waiting') === true && !waiting.has(id)) tell(id, 'wake')
      }),
    close() {
      closed = true
    },
  }
}
