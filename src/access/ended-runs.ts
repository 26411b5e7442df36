import type { WorkspaceId } from '../workspace/id.ts'

export const endedPerWorkspace = 64
export const endedInAll = 512
/** Of the output of all of them. */
const mostBytes = 128 * 1024 * 1024

/** Remembers which runs have ended, and says which are to be forgotten: after some time, or the oldest when there are too many. */
export function endedRuns(keptMs: number, forget: (workspace: WorkspaceId, execId: string) => void) {
  /** In the order of their ends. */
  const all = new Map<
    string,
    { readonly workspace: WorkspaceId; readonly execId: string; readonly bytes: number; readonly timer: NodeJS.Timeout }
  >()
  const counts = new Map<WorkspaceId, number>()
  let sum = 0

  function drop(key: string) {
    const one = all.get(key)
    if (!one) return
    all.delete(key)
    sum -= one.bytes
    clearTimeout(one.timer)
    const rest = (counts.get(one.workspace) ?? 1) - 1
    if (rest === 0) counts.delete(one.workspace)
    else counts.set(one.workspace, rest)
    forget(one.workspace, one.execId)
  }

  return {
    /** `bytes`: so much of its output is kept. */
    add(workspace: WorkspaceId, execId: string, bytes: number): void {
      const key = `${workspace} ${execId}`
      sum += bytes
      all.set(key, { workspace, execId, bytes, timer: setTimeout(() => drop(key), keptMs).unref() })
      const many = (counts.get(workspace) ?? 0) + 1
      counts.set(workspace, many)
      if (many > endedPerWorkspace)
        for (const [other, one] of all)
          if (one.workspace === workspace) {
            drop(other)
            break
          }
      for (const oldest of all.keys()) {
        if (all.size <= endedInAll && sum <= mostBytes) break
        drop(oldest)
      }
    },
    close(): void {
      for (const { timer } of all.values()) clearTimeout(timer)
    },
  }
}
