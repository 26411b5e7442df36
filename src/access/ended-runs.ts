import type { WorkspaceId } from '../workspace/id.ts'

export const endedPerWorkspace = 64
export const endedInAll = 512

/** Remembers which runs have ended, and says which are to be forgotten: after some time, or the oldest when there are too many. */
export function endedRuns(keptMs: number, forget: (workspace: WorkspaceId, execId: string) => void) {
  /** In the order of their ends. */
  const all = new Map<
    string,
    { readonly workspace: WorkspaceId; readonly execId: string; readonly timer: NodeJS.Timeout }
  >()
  const counts = new Map<WorkspaceId, number>()

  function drop(key: string) {
    const one = all.get(key)
    if (!one) return
    all.delete(key)
    clearTimeout(one.timer)
    const rest = (counts.get(one.workspace) ?? 1) - 1
    if (rest === 0) counts.delete(one.workspace)
    else counts.set(one.workspace, rest)
    forget(one.workspace, one.execId)
  }

  return {
    add(workspace: WorkspaceId, execId: string): void {
      const key = `${workspace} ${execId}`
      all.set(key, { workspace, execId, timer: setTimeout(() => drop(key), keptMs).unref() })
      const many = (counts.get(workspace) ?? 0) + 1
      counts.set(workspace, many)
      if (many > endedPerWorkspace)
        for (const [other, one] of all)
          if (one.workspace === workspace) {
            drop(other)
            break
          }
      const [oldest] = all.keys()
      if (all.size > endedInAll && oldest !== undefined) drop(oldest)
    },
    close(): void {
      for (const { timer } of all.values()) clearTimeout(timer)
    },
  }
}
