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
  return (Number.isNaN(time.getTime()) ? new Date(0) : time).toISOString() // a damaged row must not break a whole list
}

/** When a command or a shell last started or ended in a workspace, in milliseconds since the epoch; `undefined` if unknown. */
export type LastActiveAt = (id: WorkspaceId) => number | undefined

/** A workspace as clients see it. Optional fields without a value are left out. */
export function presentWorkspace(view: WorkspaceView, lastActiveAt: LastActiveAt = () => undefined): Workspace {
  return view.kind === 'live'
    ? presentLive(view.snapshot, view.updatedAt, lastActiveAt(view.snapshot.context.id))
    : presentQuarantined(view)
}

export type WorkspaceJsonRenderer = (view: WorkspaceView) => string

/** Renders workspaces as JSON text. The text is cached for each snapshot, because snapshots are immutable and lists are long. */
export function workspaceJsonRenderer(lastActiveAt: LastActiveAt): WorkspaceJsonRenderer {
  const cache = new WeakMap<
    WorkspaceSnapshot,
    { readonly updatedAt: number; readonly activeAt: number | undefined; readonly text: string }
  >()
  return (view) => {
    if (view.kind === 'quarantined') return JSON.stringify(presentQuarantined(view))
    const { snapshot, updatedAt } = view
    const activeAt = lastActiveAt(snapshot.context.id)
    const cached = cache.get(snapshot)
    if (cached?.updatedAt === updatedAt && cached.activeAt === activeAt) return cached.text
    const text = JSON.stringify(presentLive(snapshot, updatedAt, activeAt))
    cache.set(snapshot, { updatedAt, activeAt, text })
    return text
  }
}

function presentLive(snapshot: WorkspaceSnapshot, updatedAt: number, activeAt: number | undefined): Workspace {
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
    ready: snapshot.hasTag('ready'),
    settled: snapshot.hasTag('settled'),
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
    ready: false,
    settled: true,
    can: ['delete'],
    created_at: isoTime(row.createdAt),
    updated_at: isoTime(row.updatedAt),
    ...(row.expiresAt !== null && { expires_at: isoTime(row.expiresAt) }),
    error_message: `This version of vm-api cannot read the record of this workspace: ${reason}. Delete the workspace, or run the version that wrote it.`,
  }
}

/** A journal entry as clients see it. */
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
