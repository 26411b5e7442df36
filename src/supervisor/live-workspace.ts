import type { Actor } from 'xstate'
import type { WorkspaceSnapshot } from '../machines/workspace-snapshot.ts'
import type { JournalLine, StoredWorkspaceRow } from '../persistence/workspace-row.ts'
import type { WorkspaceId } from '../workspace/id.ts'
import type { WorkspaceLogic } from './workspace-logic.ts'

/** A workspace that lives: its actor, and what of it is on disk. */
export interface LiveWorkspace {
  readonly actor: Actor<WorkspaceLogic>
  readonly committed: WorkspaceSnapshot
  /** Of `committed`. */
  readonly revision: number
  /** Of the newest step that was staged. */
  readonly stagedRevision: number
  /** When `committed` was decided, milliseconds since the epoch. */
  readonly updatedAt: number
  /** Number of the commit that wrote it, counted since the start: tells what changed while somebody looked elsewhere. */
  readonly commit: number
}

/** A workspace whose record cannot be read: visible and deletable, nothing more (law 7). */
export interface QuarantinedWorkspace {
  readonly row: StoredWorkspaceRow
  readonly reason: string
}

/** A step that is on disk now. `before` is `null` for a workspace that was just made, or just revived. */
export interface CommittedTransition {
  readonly id: WorkspaceId
  readonly before: WorkspaceSnapshot | null
  readonly after: WorkspaceSnapshot
  readonly line: JournalLine | null
}
