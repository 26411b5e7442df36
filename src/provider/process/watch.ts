import { stat } from 'node:fs/promises'
import type { Found } from '../../workspace/container.ts'
import type { WorkspaceId } from '../../workspace/id.ts'
import type { Notice } from '../provider.ts'
import { inDirectory, listIds } from './directory.ts'
import { find } from './found.ts'
import type { Host } from './host.ts'
import { runningKeeper } from './keeper.ts'
import type { ProcessMark } from './process-table.ts'

const everyMs = 1_000

/** What the last look saw: a keeper to ask after, or the time that the claims were last written, and what was found then. */
type Known =
  | { readonly kind: 'running'; readonly keeper: ProcessMark }
  | { readonly kind: 'resting'; readonly claims: string; readonly writtenMs: number; readonly state: Found['state'] }

/**
 * Follows the workspaces by looking at them once a second, since the system tells nobody but a parent that a process has ended.
 * A look costs one read for each workspace whose state has not changed.
 */
export function watch(host: Host, openRoot: () => Promise<void>, tell: (notice: Notice) => void): { close(): void } {
  let known = new Map<WorkspaceId, Known>()
  let connected: boolean | null = null
  let closed = false
  let timer: NodeJS.Timeout | undefined

  async function look(): Promise<void> {
    const next = new Map<WorkspaceId, Known>()
    const changed: WorkspaceId[] = []
    await openRoot()
    const ids = await listIds(host.root)
    for (const id of ids) {
      const before = known.get(id)
      const now = await lookAt(id, before)
      if (now !== null) next.set(id, now)
      // At the first look nothing is news.
      if (connected !== null && ended(before, now)) changed.push(id)
    }
    const there = new Set(ids)
    for (const id of known.keys()) if (!there.has(id)) changed.push(id)
    if (closed) return
    known = next
    if (connected !== true) tell({ kind: 'connected' })
    connected = true
    for (const workspaceId of changed) tell({ kind: 'changed', workspaceId })
  }

  async function lookAt(id: WorkspaceId, before: Known | undefined): Promise<Known | null> {
    try {
      return before !== undefined && (await same(before)) ? before : await fresh(id)
    } catch {
      // One directory that cannot be read keeps nobody from hearing of the others (law 7); an inventory names it.
      return before ?? null
    }
  }

  async function same(before: Known): Promise<boolean> {
    if (before.kind === 'running') return host.table.lives(before.keeper)
    return (await lastWritten(before.claims)) === before.writtenMs
  }

  async function fresh(id: WorkspaceId): Promise<Known | null> {
    return inDirectory<Known | null>(host.root, host.installation, id, {
      absent: async () => null,
      work: async (directory) => {
        const writtenMs = await lastWritten(directory.claims)
        const keeper = await runningKeeper(host, directory)
        if (keeper !== null) return { kind: 'running', keeper: keeper.claim }
        const found = await find(host, id)
        return found === null ? null : { kind: 'resting', claims: directory.claims, writtenMs, state: found.state }
      },
    })
  }

  async function turn(): Promise<void> {
    try {
      await look()
    } catch (error) {
      if (!closed && connected !== false) {
        const reason = error instanceof Error ? error.message : String(error)
        tell({ kind: 'lost', fault: { again: 'away', message: `${host.root} cannot be read: ${reason}` } })
      }
      connected = false
    }
    if (closed) return
    timer = setTimeout(() => void turn(), everyMs)
    timer.unref()
  }

  void turn()
  return {
    close: () => {
      closed = true
      clearTimeout(timer)
    },
  }
}

/** Has something ended between two looks? It may have begun in between as well. */
function ended(before: Known | undefined, now: Known | null): boolean {
  if (now?.kind === 'running') return false
  if (now === null) return before !== undefined
  if (before?.kind === 'resting') return JSON.stringify(before.state) !== JSON.stringify(now.state)
  return before !== undefined || now.state.kind === 'exited'
}

/** When something was last put into the directory; NaN, equal to nothing, if that may happen again within the same tick of its clock. */
async function lastWritten(path: string): Promise<number> {
  const { mtimeMs } = await stat(path)
  return Math.abs(Date.now() - mtimeMs) < 100 ? Number.NaN : mtimeMs
}
