import type { WorkspaceId } from '../workspace/id.ts'

/** A workspace as stored: its snapshot, and the columns that queries need. Times are milliseconds since the epoch. */
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
  /** 1 at the create; each transition adds one. */
  readonly revision: number
  /** Version of the statechart that wrote the snapshot. */
  readonly machine: number
  readonly snapshot: string
}

/** A row as read from the database. */
export interface StoredWorkspaceRow extends WorkspaceRow {
  /** Position in the order of creation. */
  readonly seq: number
  /** Why the snapshot cannot be read; `null` if no attempt has failed. */
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

/** The idempotency key of a create, and the response that each repetition of that create receives. */
export interface StoredResponse {
  readonly key: string
  readonly fingerprint: string
  readonly response: string
}

/** One committed transition of a workspace: its new row, and a journal line if the transition has one. */
export interface TransitionRecord {
  readonly row: WorkspaceRow
  /** The workspace's last transition: it deletes the row and keeps the journal. */
  readonly final: boolean
  readonly line: JournalLine | null
  /** Runs in the transaction, before the row is written. If it throws, this record is refused. */
  readonly admit?: () => void
  readonly storedResponse?: StoredResponse
}
