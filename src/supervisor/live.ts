import type { Actor } from 'xstate'
import type { WorkspaceSnapshot } from '../machines/workspace-view.ts'
import type { JournalLine, StoredRow } from '../persistence/workspace-row.ts'
import type { WorkspaceId } from '../workspace/id.ts'
import type { WorkspaceLogic } from './durable.ts'

/** A workspace that lives: its actor, and what of it is on disk. */
export interface Live {
  readonly actor: Actor<WorkspaceLogic>
  readonly committed: WorkspaceSnapshot
  /** Of `committed`. */
  readonly revision: number
  /** Of the newest step that was staged. */
  readonly staged: number
  /** When `committed` was decided, milliseconds since the epoch. */
  readonly updatedAt: number
  /** Number of the commit that wrote it, counted since the start: tells what changed while somebody looked elsewhere. */
  readonly commit: number
}

/** A workspace whose record cannot be read: visible and deletable, nothing more (law 7). */
export interface Aside {
  readonly row: StoredRow
  readonly why: string
}

/** A step that is on disk now. `before` is `null` for a workspace that was just made, or just revived. */
export interface Committed {
  readonly id: WorkspaceId
  readonly before: WorkspaceSnapshot | null
  readonly after: WorkspaceSnapshot
  readonly line: JournalLine | null
}
