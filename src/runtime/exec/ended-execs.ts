import type { WorkspaceId } from '../../workspace/id.ts'

export const maxEndedExecsPerWorkspace = 64
export const maxEndedExecs = 512
/** Of the output of all of them. */
const maxEndedOutputBytes = 128 * 1024 * 1024

/** Remembers which runs have ended, and says which are to be forgotten: after some time, or the oldest when there are too many. */
export function endedExecs(retentionMs: number, onEvict: (workspaceId: WorkspaceId, execId: string) => void) {
  /** In the order of their ends. */
  const entries = new Map<
    string,
    {
      readonly workspaceId: WorkspaceId
      readonly execId: string
      readonly bytes: number
      readonly timer: NodeJS.Timeout
    }
  >()
  const counts = new Map<WorkspaceId, number>()
  let totalBytes = 0

  function evict(key: string) {
    const entry = entries.get(key)
    if (!entry) return
    entries.delete(key)
    totalBytes -= entry.bytes
    clearTimeout(entry.timer)
    const remaining = (counts.get(entry.workspaceId) ?? 1) - 1
    if (remaining === 0) counts.delete(entry.workspaceId)
    else counts.set(entry.workspaceId, remaining)
    onEvict(entry.workspaceId, entry.execId)
  }

  return {
    /** `bytes`: so much of its output is kept. */
    add(workspaceId: WorkspaceId, execId: string, bytes: number): void {
      const key = `${workspaceId} ${execId}`
      totalBytes += bytes
      entries.set(key, { workspaceId, execId, bytes, timer: setTimeout(() => evict(key), retentionMs).unref() })
      const count = (counts.get(workspaceId) ?? 0) + 1
      counts.set(workspaceId, count)
      if (count > maxEndedExecsPerWorkspace)
        for (const [otherKey, entry] of entries)
          if (entry.workspaceId === workspaceId) {
            evict(otherKey)
            break
          }
      for (const oldestKey of entries.keys()) {
        if (entries.size <= maxEndedExecs && totalBytes <= maxEndedOutputBytes) break
        evict(oldestKey)
      }
    },
    close(): void {
      for (const { timer } of entries.values()) clearTimeout(timer)
    },
  }
}
