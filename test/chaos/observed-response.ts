import type { Workspace } from '../../src/wire/workspace.ts'

/** A request of a client. `id` is that of a workspace. */
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

/** A request and its response. */
export interface ObservedResponse {
  readonly user: string
  readonly request: ChaosRequest
  /** Milliseconds since the epoch. */
  readonly sentAt: number
  readonly receivedAt: number
  /** 0 if no response arrived: the outcome is unknown. */
  readonly status: number
  /** The workspaces in a response with status 200. */
  readonly workspaces: readonly Workspace[]
}

/** True if the request is a change that the service confirmed. */
export function isAcknowledged({ request, status }: ObservedResponse): boolean {
  return status === 200 && request.verb !== 'get' && request.verb !== 'list'
}
