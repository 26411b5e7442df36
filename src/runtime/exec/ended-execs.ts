import type { Clock } from '../../workspace/clock.ts'
import type { WorkspaceId } from '../../workspace/id.ts'

export const maxEndedExecsPerWorkspace = 64
export const maxEndedExecs = 512
/** Of all ended execs together. */
const maxEndedOutputBytes = 128 * 1024 * 1024

interface EndedExecEntry {
  readonly workspaceId: WorkspaceId
  readonly execId: string
  readonly bytes: number
  readonly cancelRetention: () => void
}

/** Decides how long the output of ended execs is retained: for `retentionMs`, or until newer ones need the room. */
export function endedExecs(
  clock: Clock,
  retentionMs: number,
  onEvict: (workspaceId: WorkspaceId, execId: string) => void,
) {
  /** In the order in which they ended. */
  const entries = new Map<string, EndedExecEntry>()
  const counts = new Map<WorkspaceId, number>()
  let totalBytes = 0
  let closed = false

  function evict(key: string) {
    const entry = entries.get(key)
    if (!entry) return
    entries.delete(key)
    totalBytes -= entry.bytes
    entry.cancelRetention()
    const remaining = (counts.get(entry.workspaceId) ?? 1) - 1
    if (remaining === 0) counts.delete(entry.workspaceId)
    else counts.set(entry.workspaceId, remaining)
    onEvict(entry.workspaceId, entry.execId)
  }

  return {
    /** Retains an exec with `bytes` of output. */
    add(workspaceId: WorkspaceId, execId: string, bytes: number): void {
      if (closed) return
      const key = `${workspaceId} ${execId}`
      totalBytes += bytes
      const cancelRetention = clock.timer(retentionMs, () => evict(key))
      entries.set(key, { workspaceId, execId, bytes, cancelRetention })
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
      closed = true
      for (const { cancelRetention } of entries.values()) cancelRetention()
    },
  }
}
