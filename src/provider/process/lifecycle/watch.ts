import { stat } from 'node:fs/promises'
import type { ContainerRecord } from '../../../workspace/container.ts'
import type { WorkspaceId } from '../../../workspace/id.ts'
import type { EngineNotice } from '../../provider.ts'
import { withWorkspaceDirectory, listWorkspaceIds } from '../keeper/workspace-directory.ts'
import { inspect } from './inspect.ts'
import type { ProcessHost } from '../host/host.ts'
import { runningKeeper } from '../keeper/keeper.ts'
import type { ProcessIdentity } from '../host/process-table.ts'

const pollIntervalMs = 1_000

/** What the last poll found: a running keeper, or the state at the time that the claims were last written. */
type ObservedState =
  | { readonly kind: 'running'; readonly keeper: ProcessIdentity }
  | {
      readonly kind: 'stopped'
      readonly claimsDirectory: string
      readonly modifiedMs: number
      readonly state: ContainerRecord['state']
    }

/**
 * Follows the workspaces by polling once a second, since the system reports the end of a process only to its parent. A poll costs one
 * read for each workspace whose state has not changed.
 */
export function watch(
  host: ProcessHost,
  ensureRoot: () => Promise<void>,
  notify: (notice: EngineNotice) => void,
): { close(): void } {
  let observed = new Map<WorkspaceId, ObservedState>()
  let connected: boolean | null = null
  let closed = false
  let timer: NodeJS.Timeout | undefined

  async function poll(): Promise<void> {
    const next = new Map<WorkspaceId, ObservedState>()
    const changed: WorkspaceId[] = []
    await ensureRoot()
    const ids = await listWorkspaceIds(host.root)
    for (const id of ids) {
      const previous = observed.get(id)
      const current = await observe(host, id, previous)
      if (current !== null) next.set(id, current)
      // Nothing is a change in the first poll.
      if (connected !== null && hasEnded(previous, current)) changed.push(id)
    }
    const presentIds = new Set(ids)
    for (const id of observed.keys()) if (!presentIds.has(id)) changed.push(id)
    if (closed) return
    observed = next
    if (connected !== true) notify({ kind: 'connected' })
    connected = true
    for (const workspaceId of changed) notify({ kind: 'changed', workspaceId })
  }

  async function tick(): Promise<void> {
    try {
      await poll()
    } catch (error) {
      if (!closed && connected !== false) {
        const reason = error instanceof Error ? error.message : String(error)
        notify({
          kind: 'disconnected',
          fault: { kind: 'unavailable', message: `${host.root} cannot be read: ${reason}` },
        })
      }
      connected = false
    }
    if (closed) return
    timer = setTimeout(() => void tick(), pollIntervalMs)
    timer.unref()
  }

  void tick()
  return {
    close: () => {
      closed = true
      clearTimeout(timer)
    },
  }
}

async function observe(
  host: ProcessHost,
  id: WorkspaceId,
  previous: ObservedState | undefined,
): Promise<ObservedState | null> {
  try {
    return previous !== undefined && (await isUnchanged(host, previous)) ? previous : await readCurrent(host, id)
  } catch {
    // A directory that cannot be read does not hide the others (law 7). `list` names it.
    return previous ?? null
  }
}

async function isUnchanged(host: ProcessHost, previous: ObservedState): Promise<boolean> {
  if (previous.kind === 'running') return host.processTable.isAlive(previous.keeper)
  return (await settledModifiedMs(previous.claimsDirectory)) === previous.modifiedMs
}

async function readCurrent(host: ProcessHost, id: WorkspaceId): Promise<ObservedState | null> {
  return withWorkspaceDirectory<ObservedState | null>(host.root, host.installation, id, {
    whenMissing: async () => null,
    work: async (directory) => {
      const modifiedMs = await settledModifiedMs(directory.claimsDirectory)
      const keeper = await runningKeeper(host, directory)
      if (keeper !== null) return { kind: 'running', keeper: keeper.claim }
      const container = await inspect(host, id)
      return container === null
        ? null
        : { kind: 'stopped', claimsDirectory: directory.claimsDirectory, modifiedMs, state: container.state }
    },
  })
}

/** Whether the workspace has stopped between two polls. It may also have started in between. */
function hasEnded(previous: ObservedState | undefined, current: ObservedState | null): boolean {
  if (current?.kind === 'running') return false
  if (current === null) return previous !== undefined
  if (previous?.kind === 'stopped') return JSON.stringify(previous.state) !== JSON.stringify(current.state)
  return previous !== undefined || current.state.kind === 'exited'
}

/** When the directory was last changed; NaN, equal to nothing, if it may change again within the same tick of the file system's clock. */
async function settledModifiedMs(path: string): Promise<number> {
  const { mtimeMs } = await stat(path)
  return Math.abs(Date.now() - mtimeMs) < 100 ? Number.NaN : mtimeMs
}
