import { availableCommands, statePath, statusOf } from '../../machines/workspace-snapshot.ts'
import type { WorkspaceSnapshot } from '../../machines/workspace-snapshot.ts'
import type { WorkspaceView } from '../../supervisor/actors.ts'
import type { Supervisor } from '../../supervisor/supervisor.ts'
import type { HistoryLine } from '../../wire/history.ts'
import type { Workspace } from '../../wire/workspace.ts'
import type { WorkspaceId } from '../../workspace/id.ts'

type JournalEntry = NonNullable<ReturnType<Supervisor['history']>>[number]

/** A time as the API writes it: RFC 3339, UTC, milliseconds. */
export function isoTime(at: number): string {
  const time = new Date(at)
  return (Number.isNaN(time.getTime()) ? new Date(0) : time).toISOString() // a damaged row is shown all the same
}

/** When somebody last did something inside a workspace; `undefined`: never, as far as anybody remembers. */
export type LastActiveAt = (id: WorkspaceId) => number | undefined

const neverActive: LastActiveAt = () => undefined

/** A workspace as clients see it. An optional field without a value is left out. */
export function presentWorkspace(workspaceView: WorkspaceView, lastActiveAt: LastActiveAt = neverActive): Workspace {
  return workspaceView.kind === 'live'
    ? presentReadable(workspaceView.snapshot, workspaceView.updatedAt, lastActiveAt(workspaceView.snapshot.context.id))
    : presentQuarantined(workspaceView)
}

// A snapshot never changes, so what it looks like as JSON is worked out once.
const jsonCache = new WeakMap<
  WorkspaceSnapshot,
  { readonly updatedAt: number; readonly activeAt: number | undefined; readonly text: string }
>()

/** {@link presentWorkspace} as JSON text. */
export function presentWorkspaceJson(workspaceView: WorkspaceView, lastActiveAt: LastActiveAt = neverActive): string {
  if (workspaceView.kind === 'quarantined') return JSON.stringify(presentWorkspace(workspaceView))
  const { snapshot, updatedAt } = workspaceView
  const activeAt = lastActiveAt(snapshot.context.id)
  const cached = jsonCache.get(snapshot)
  if (cached?.updatedAt === updatedAt && cached.activeAt === activeAt) return cached.text
  const text = JSON.stringify(presentReadable(snapshot, updatedAt, activeAt))
  jsonCache.set(snapshot, { updatedAt, activeAt, text })
  return text
}

function presentReadable(snapshot: WorkspaceSnapshot, updatedAt: number, activeAt: number | undefined): Workspace {
  const { context } = snapshot
  const status = statusOf(snapshot.value)
  return {
    id: context.id,
    name: context.name,
    owner: context.owner,
    template: context.template,
    provider: context.provider,
    status: status === 'deleted' ? 'deleting' : status,
    state: statePath(snapshot.value),
    can: [...availableCommands(snapshot)],
    created_at: isoTime(context.createdAt),
    updated_at: isoTime(updatedAt),
    ...(activeAt !== undefined && { last_active_at: isoTime(activeAt) }),
    ...(context.ttlSeconds !== null && { ttl_seconds: context.ttlSeconds }),
    ...(context.expiresAt !== null && { expires_at: isoTime(context.expiresAt) }),
    ...(context.containerId !== null && { provider_id: context.containerId }),
    ...(status === 'running' &&
      context.connection !== null && {
        connection_info: { ...context.connection, ssh_command: `vm ssh ${context.name}` },
      }),
    ...(context.progress !== null && { progress: context.progress }),
    ...(context.reason !== null && { error_message: context.reason }),
    ...(context.metadata !== null && { metadata: { ...context.metadata } }),
  }
}

function presentQuarantined({ row, reason }: Extract<WorkspaceView, { kind: 'quarantined' }>): Workspace {
  return {
    id: row.id,
    name: row.name,
    owner: row.owner,
    template: row.template,
    provider: row.provider,
    status: 'failed',
    state: 'failed',
    can: ['delete'],
    created_at: isoTime(row.createdAt),
    updated_at: isoTime(row.updatedAt),
    ...(row.expiresAt !== null && { expires_at: isoTime(row.expiresAt) }),
    error_message: `Its record cannot be read by this version of vm-api: ${reason}. Delete it, or run the version that wrote it.`,
  }
}

/** A line of the journal as clients see it. */
export function presentHistoryEntry({ seq, at, event, from, to, by, reason, attempts }: JournalEntry): HistoryLine {
  return {
    seq,
    at: isoTime(at),
    event,
    from,
    to,
    by,
    ...(reason !== null && { reason }),
    ...(attempts !== null && { attempts }),
  }
}
