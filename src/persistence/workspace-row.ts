import type { WorkspaceId } from '../workspace/id.ts'

/** A workspace as it is stored: its snapshot, and the columns that queries need. Times are milliseconds since the epoch. */
export interface WorkspaceRow {
  readonly id: WorkspaceId
  readonly owner: string
  readonly name: string
  readonly template: string
  readonly provider: string
  readonly status: string
  readonly createdAt: number
  readonly updatedAt: number
  readonly expiresAt: number | null
  /** 1 at the create, one more with each step. */
  readonly revision: number
  /** Version of the statechart that wrote the snapshot. */
  readonly machine: number
  readonly snapshot: string
}

/** A row as it is read: with its place in the order of creation, and why it cannot be read if that is known. */
export interface StoredWorkspaceRow extends WorkspaceRow {
  readonly seq: number
  readonly unreadable: string | null
}

/** One line of a workspace's history. */
export interface JournalLine {
  readonly at: number
  readonly event: string
  readonly from: string | null
  readonly to: string
  readonly by: string
  readonly reason: string | null
  readonly attempts: number | null
}

/** The idempotency key that a create came with, and the answer that it is to be given each time. */
export interface StoredResponse {
  readonly key: string
  readonly fingerprint: string
  readonly response: string
}

/** One committed change of one workspace: the row as it is then, and its journal line if the step has one. */
export interface TransitionRecord {
  readonly row: WorkspaceRow
  /** The workspace's last step: its row goes, its journal stays. */
  readonly final: boolean
  readonly line: JournalLine | null
  /** Runs in the transaction, before the row is written. If it throws, this record is refused. */
  readonly admit?: () => void
  readonly storedResponse?: StoredResponse
}
