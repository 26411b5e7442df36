import type { Workspace } from '../../src/wire/workspace.ts'

/** What a client asks of the service. `id` is a workspace's. */
export type Asked =
  | {
      readonly verb: 'create'
      readonly name: string
      readonly key: string | null
      readonly ttlSeconds: number | null
      readonly template: string
    }
  | { readonly verb: 'start' | 'stop' | 'restart' | 'delete' | 'get'; readonly id: string }
  | { readonly verb: 'amend'; readonly id: string; readonly name?: string; readonly ttlSeconds?: number | null }
  | { readonly verb: 'list' }

/** One request and what was heard of it. */
export interface Heard {
  readonly user: string
  readonly asked: Asked
  /** Milliseconds since the epoch. */
  readonly sentAt: number
  readonly heardAt: number
  /** 0: no answer came, so nobody knows what became of it. */
  readonly status: number
  /** The workspace, or all of them, that an answer of 200 showed. */
  readonly shown: readonly Workspace[]
}

/** Did the service say that it is done, and is it a change? */
export function isAcknowledged({ asked, status }: Heard): boolean {
  return status === 200 && asked.verb !== 'get' && asked.verb !== 'list'
}
