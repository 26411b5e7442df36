import type { WorkspaceSnapshot } from '../machines/workspace-snapshot.ts'
import type { WorkspaceId } from '../workspace/id.ts'

export interface ResumeQueue {
  /** A workspace was cut off, by a start of the service or by a lost step, and is to go on when its turn comes. */
  add(id: WorkspaceId): void
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

export interface ResumeQueueDeps {
  /** The workspace's actor as it is now; `undefined` if it does not live. */
  readonly find: (id: WorkspaceId) => WorkspaceSnapshot | undefined
  readonly send: (id: WorkspaceId, event: 'resume' | 'wake') => void
  /** Gives everybody else a turn. */
  readonly nextTurn: () => Promise<void>
}

/** So many are told in one turn. */
const batchSize = 250

/** Lets workspaces go on that were cut off. They are told to by nobody else: on a full disk, going on at once would be a hot loop. */
export function resumeQueue({ find, send, nextTurn }: ResumeQueueDeps): ResumeQueue {
  const waiting = new Set<WorkspaceId>()
  let closed = false

  function resume(id: WorkspaceId) {
    if (!waiting.delete(id)) return
    const snapshot = find(id)
    // It may have been told to do something else since, which is under way: to go on would cut that off.
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
    add: (id) => void waiting.add(id),
    has: (id) => waiting.has(id),
    resume,
    async resumeAll() {
      const ids = [...waiting]
      await forEachInBatches(ids, resume)
      return ids.length
    },
    wake: (ids) =>
      forEachInBatches(ids, (id) => {
        const snapshot = find(id)
        if (snapshot?.hasTag('waiting') === true && !waiting.has(id)) send(id, 'wake')
      }),
    close() {
      closed = true
    },
  }
}
