import type { WorkspaceSnapshot } from '../machines/workspace-snapshot.ts'
import type { Subscription } from './event-feed.ts'
import type { QuarantinedWorkspace, LiveWorkspace } from './live-workspace.ts'
import type { WorkspaceLabels } from '../workspace/container.ts'
import type { JsonObject } from '../workspace/json.ts'
import type { Guest } from '../provider/guest.ts'
import type { WorkspaceRef } from '../workspace/workspace-ref.ts'

// What may be asked of the supervisor, and what it answers.

/** A workspace as it is on disk. */
export type WorkspaceView =
  | { readonly kind: 'live'; readonly snapshot: WorkspaceSnapshot; readonly updatedAt: number }
  | ({ readonly kind: 'quarantined' } & QuarantinedWorkspace)

/** A create, checked for its form but not yet for what there is. */
export interface CreateRequest {
  readonly name: string
  /** `null`: the default template. */
  readonly template: string | null
  readonly ttlSeconds: number | null
  readonly metadata: JsonObject | null
}

/** What makes a create repeatable: its key, a fingerprint of what it asked, and how its answer is written. */
export interface IdempotentRequest {
  readonly key: string
  readonly fingerprint: string
  readonly renderResponse: (view: WorkspaceView) => string
}

export type CreateResult =
  | { readonly kind: 'created'; readonly view: WorkspaceView }
  /** The same key and request as before: the answer that was given then. */
  | { readonly kind: 'replayed'; readonly response: string }
  | { readonly kind: 'key-reused' }
  | { readonly kind: 'name-taken' }
  | { readonly kind: 'unknown-template'; readonly available: readonly string[] }
  | NotWrittenResult

/** What becomes of a container without a workspace that is to be one again. */
export type AdoptResult =
  | { readonly kind: 'adopted'; readonly view: WorkspaceView }
  | { readonly kind: 'not-found' }
  /** It belongs to another owner than the one that was named. */
  | { readonly kind: 'owner-mismatch' }
  | { readonly kind: 'labels-missing'; readonly missing: readonly (keyof WorkspaceLabels)[] }
  | Extract<CreateResult, { kind: 'name-taken' | 'unknown-template' }>
  | NotWrittenResult

/** The database did not take it; nothing has happened, and it may be asked again. */
export interface NotWrittenResult {
  readonly kind: 'write-failed'
  readonly error: unknown
}

export type CommandResult =
  | { readonly kind: 'accepted'; readonly view: WorkspaceView }
  | { readonly kind: 'refused'; readonly state: string }
  | { readonly kind: 'not-found' }
  | { readonly kind: 'name-taken' }
  | NotWrittenResult

/** What narrows a list. `owner` is heard from operators only; `*` is everybody. */
export interface WorkspaceListOptions {
  readonly owner?: string
  readonly status?: string
  readonly name?: string
  readonly template?: string
  /** Only those created before the one with this number. */
  readonly before?: number
  readonly limit?: number
}

export interface WorkspaceListPage {
  readonly workspaces: readonly WorkspaceView[]
  /** The number to ask on with; `null` when this was all. */
  readonly next: number | null
}

export type SubscribeResult =
  | { readonly kind: 'subscribed'; readonly from: number; readonly subscription: Subscription }
  | { readonly kind: 'not-found' }
  | { readonly kind: 'unknown-position' }
  | { readonly kind: 'ended' }

export type ResolveResult =
  | {
      readonly kind: 'found'
      readonly state: string
      /** Usable now: it runs, and is not being stopped. */
      readonly ready: boolean
      /** Nothing is in progress. */
      readonly settled: boolean
      readonly workspace: WorkspaceRef
      readonly guest: Guest
    }
  /** Its record cannot be read, so nobody knows where it is. */
  | { readonly kind: 'quarantined' }
  | { readonly kind: 'not-found' }

export interface SupervisorHealth {
  /** What is wrong with the database; `null` if nothing is. */
  readonly database: string | null
  /** What is wrong with the providers in use; `null` if nothing is. */
  readonly provider: string | null
  /** True until every stored workspace is alive again. */
  readonly rehydrating: boolean
}

export function workspaceView({ committed, updatedAt }: LiveWorkspace): WorkspaceView {
  return { kind: 'live', snapshot: committed, updatedAt }
}
