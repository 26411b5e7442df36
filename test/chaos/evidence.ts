import Database from 'better-sqlite3'
import type { TransitionEvent } from '../../src/wire/event.ts'
import type { ContainerSeen } from './engine-under-fire.ts'
import type { Heard } from './heard.ts'

/** A line of the journal as it is on disk. */
export interface Line {
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
export interface Row {
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

/** What there is to hold against each other at one moment. */
export interface Evidence {
  readonly heard: readonly Heard[]
  /** What a reader of the feed received, over all restarts. */
  readonly events: readonly TransitionEvent[]
  readonly journal: readonly Line[]
  readonly rows: readonly Row[]
  readonly containers: readonly ContainerSeen[]
  /** Workspaces whose containers somebody ended or removed by hand. */
  readonly byHand: ReadonlySet<string>
  /** SQLite's own opinion of the file: `ok`. */
  readonly integrity: string
  /** Milliseconds since the epoch. */
  readonly now: number
}

/** The lines of each workspace, oldest first. */
export function linesOf(journal: readonly Line[]): ReadonlyMap<string, readonly Line[]> {
  const found = new Map<string, Line[]>()
  for (const line of journal) {
    const others = found.get(line.workspace)
    if (others) others.push(line)
    else found.set(line.workspace, [line])
  }
  return found
}

/** Reads a database through a connection of its own, which sees what is committed and no more. */
export function readDatabase(path: string): Pick<Evidence, 'journal' | 'rows' | 'integrity'> {
  const db = new Database(path, { readonly: true })
  try {
    return db.transaction(() => ({
      integrity: String(db.pragma('integrity_check', { simple: true })),
      journal: db
        .prepare<[], Line>(
          'SELECT seq, workspace, at, event, from_state AS "from", to_state AS "to", by, revision FROM journal ORDER BY seq',
        )
        .all(),
      rows: db
        .prepare<[], Row & { snapshot: string }>(
          'SELECT id, owner, name, status, expires_at AS expiresAt, revision, snapshot FROM workspaces ORDER BY seq',
        )
        .all()
        .map(({ snapshot, ...row }) => ({ ...row, ...partsOf(snapshot) })),
    }))()
  } finally {
    db.close()
  }
}

function partsOf(snapshot: string): Pick<Row, 'state' | 'containerId' | 'reason'> {
  const { value, context } = JSON.parse(snapshot) as {
    value: unknown
    context: { containerId: string | null; reason: string | null }
  }
  return { state: pathOf(value), containerId: context.containerId, reason: context.reason }
}

function pathOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value)
  return Object.entries(value)
    .map(([key, inner]) => `${key}.${pathOf(inner)}`)
    .join()
}
