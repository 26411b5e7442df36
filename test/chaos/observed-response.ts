import type { Workspace } from '../../src/wire/workspace.ts'

/** What a client asks of the service. `id` is a workspace's. */
export type ChaosRequest =
  | {
      readonly verb: 'create'
      readonly name: string
      readonly key: string | null
      readonly ttlSeconds: number | null
      readonly template: string
    }
  | { readonly verb: 'start' | 'stop' | 'restart' | 'delete' | 'get'; readonly id: string }
  | { readonly verb: 'update'; readonly id: string; readonly name?: string; readonly ttlSeconds?: number | null }
  | { readonly verb: 'list' }

/** One request and what was heard of it. */
export interface ObservedResponse {
  readonly user: string
  readonly request: ChaosRequest
  /** Milliseconds since the epoch. */
  readonly sentAt: number
  readonly receivedAt: number
  /** 0: no answer came, so nobody knows what became of it. */
  readonly status: number
  /** The workspace, or all of them, that an answer of 200 showed. */
  readonly workspaces: readonly Workspace[]
}

/** Did the service say that it is done, and is it a change? */
export function isAcknowledged({ request, status }: ObservedResponse): boolean {
  return status === 200 && request.verb !== 'get' && request.verb !== 'list'
}
