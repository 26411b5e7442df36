import type { WorkspaceSnapshot } from '../machines/workspace-view.ts'
import type { Following } from './feed.ts'
import type { Aside, Live } from './live.ts'
import type { Labelled } from '../workspace/container.ts'
import type { Owner } from '../workspace/id.ts'
import type { JsonObject } from '../workspace/json.ts'
import type { Inside } from '../provider/inside.ts'
import type { Subject } from '../workspace/subject.ts'

// What may be asked of the supervisor, and what it answers.

/** Who asks. An operator sees and may act on every workspace; everybody else only on their own (law 11). */
export interface Asker {
  readonly owner: Owner
  readonly operator: boolean
}

/** A workspace as it is on disk. */
export type Seen =
  | { readonly kind: 'readable'; readonly snapshot: WorkspaceSnapshot; readonly updatedAt: number }
  | ({ readonly kind: 'unreadable' } & Aside)

/** A create, checked for its form but not yet for what there is. */
export interface Wish {
  readonly name: string
  /** `null`: the default template. */
  readonly template: string | null
  readonly ttlSeconds: number | null
  readonly metadata: JsonObject | null
}

/** What makes a create repeatable: its key, a fingerprint of what it asked, and how its answer is written. */
export interface Once {
  readonly key: string
  readonly fingerprint: string
  readonly answer: (made: Seen) => string
}

export type Created =
  | { readonly kind: 'created'; readonly seen: Seen }
  /** The same key and request as before: the answer that was given then. */
  | { readonly kind: 'repeated'; readonly answer: string }
  | { readonly kind: 'key-reused' }
  | { readonly kind: 'name-taken' }
  | { readonly kind: 'no-such-template'; readonly known: readonly string[] }
  | NotWritten

/** What becomes of a container without a workspace that is to be one again. */
export type Adopted =
  | { readonly kind: 'adopted'; readonly seen: Seen }
  | { readonly kind: 'unknown' }
  /** It belongs to another owner than the one that was named. */
  | { readonly kind: 'owned-otherwise' }
  | { readonly kind: 'says-too-little'; readonly lacks: readonly (keyof Labelled)[] }
  | Extract<Created, { kind: 'name-taken' | 'no-such-template' }>
  | NotWritten

/** The database did not take it; nothing has happened, and it may be asked again. */
export interface NotWritten {
  readonly kind: 'not-written'
  readonly error: unknown
}

export type Told =
  | { readonly kind: 'accepted'; readonly seen: Seen }
  | { readonly kind: 'refused'; readonly state: string }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'name-taken' }
  | NotWritten

/** What narrows a list. `owner` is heard from operators only; `*` is everybody. */
export interface Filter {
  readonly owner?: string
  readonly status?: string
  readonly name?: string
  readonly template?: string
  /** Only those created before the one with this number. */
  readonly before?: number
  readonly limit?: number
}

export interface Page {
  readonly workspaces: readonly Seen[]
  /** The number to ask on with; `null` when this was all. */
  readonly next: number | null
}

export type Followed =
  | { readonly kind: 'following'; readonly from: number; readonly following: Following }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'no-such-place' }
  | { readonly kind: 'over' }

export type Reached =
  | {
      readonly kind: 'reached'
      readonly state: string
      /** False: it does not run, or is being stopped. */
      readonly up: boolean
      readonly subject: Subject
      readonly inside: Inside
    }
  /** Its record cannot be read, so nobody knows where it is. */
  | { readonly kind: 'unreadable' }
  | { readonly kind: 'unknown' }

export interface Health {
  /** What is wrong with the database; `null` if nothing is. */
  readonly database: string | null
  /** What is wrong with the providers in use; `null` if nothing is. */
  readonly provider: string | null
  /** True until every stored workspace is alive again. */
  readonly rehydrating: boolean
}

export function seen({ committed, updatedAt }: Live): Seen {
  return { kind: 'readable', snapshot: committed, updatedAt }
}
