import Database from 'better-sqlite3'
import type { TransitionEvent } from '../../src/wire/event.ts'
import type { EngineContainer } from './chaos-engine.ts'
import type { ObservedResponse } from './observed-response.ts'

/** A committed line of the journal. */
export interface JournalLine {
  readonly seq: number
  readonly workspace: string
  readonly at: number
  readonly event: string
  readonly from: string | null
  readonly to: string
  readonly by: string
  readonly revision: number
}

/** A workspace's row. */
export interface WorkspaceRow {
  readonly id: string
  readonly owner: string
  readonly name: string
  readonly status: string
  readonly expiresAt: number | null
  readonly revision: number
  /** The dotted state in its snapshot. */
  readonly state: string
  /** The container that its snapshot names. */
  readonly containerId: string | null
  readonly reason: string | null
}

/** The facts that are compared with each other, at one moment. */
export interface Evidence {
  readonly responses: readonly ObservedResponse[]
  /** The events that a subscriber received across all restarts. */
  readonly events: readonly TransitionEvent[]
  readonly journal: readonly JournalLine[]
  readonly rows: readonly WorkspaceRow[]
  readonly containers: readonly EngineContainer[]
  /** Workspaces whose containers were killed or removed without the service. */
  readonly manuallyChanged: ReadonlySet<string>
  /** The result of SQLite's integrity check; `ok` if valid. */
  readonly integrity: string
  /** Milliseconds since the epoch. */
  readonly now: number
}

/** The lines of each workspace, oldest first. */
export function linesByWorkspace(journal: readonly JournalLine[]): ReadonlyMap<string, readonly JournalLine[]> {
  const byWorkspace = new Map<string, JournalLine[]>()
  for (const line of journal) {
    const lines = byWorkspace.get(line.workspace)
    if (lines) lines.push(line)
    else byWorkspace.set(line.workspace, [line])
  }
  return byWorkspace
}

/** Reads a database through a separate connection, which sees only committed data. */
export function readDatabase(path: string): Pick<Evidence, 'journal' | 'rows' | 'integrity'> {
  const db = new Database(path, { readonly: true })
  try {
    return db.transaction(() => ({
      integrity: String(db.pragma('integrity_check', { simple: true })),
      journal: db
        .prepare<[], JournalLine>(
          'SELECT seq, workspace, at, event, from_state AS "from", to_state AS "to", by, revision FROM journal ORDER BY seq',
        )
        .all(),
      rows: db
        .prepare<[], WorkspaceRow & { snapshot: string }>(
          'SELECT id, owner, name, status, expires_at AS expiresAt, revision, snapshot FROM workspaces ORDER BY seq',
        )
        .all()
        .map(({ snapshot, ...row }) => ({ ...row, ...stateOf(snapshot) })),
    }))()
  } finally {
    db.close()
  }
}

function stateOf(snapshot: string): Pick<WorkspaceRow, 'state' | 'containerId' | 'reason'> {
  const { value, context } = JSON.parse(snapshot) as {
    value: unknown
    context: { containerId: string | null; reason: string | null }
  }
  return { state: statePathOf(value), containerId: context.containerId, reason: context.reason }
}

function statePathOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value)
  return Object.entries(value)
    .map(([key, inner]) => `${key}.${statePathOf(inner)}`)
    .join()
}
