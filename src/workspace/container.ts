import type { WorkspaceId } from './id.ts'

/** What clients are told of how to reach a running workspace: `container_id` (Docker); `pid`, `directory` (process); `ports`. */
export type Connection = Readonly<Record<string, string | number | Readonly<Record<string, number>>>>

/** Why a container does not run any more. */
export interface ContainerExit {
  /** Exit code; `null` when nobody saw it. */
  readonly code: number | null
  /** Killed by the kernel or the engine because it ran out of memory. */
  readonly outOfMemory: boolean
  /** It went down together with its engine or host, not by itself. */
  readonly wentDownWithEngine: boolean
}

/** How a container's workspace was called when the container was made. Anybody who may use the engine can have written it. */
export interface WorkspaceLabels {
  readonly owner: string
  readonly name: string
  readonly template: string
}

/** One container of ours, as an inventory found it. `created` was never started. */
export interface ContainerRecord {
  readonly workspaceId: WorkspaceId
  readonly containerId: string
  readonly state:
    | { readonly kind: 'running'; readonly connection: Connection }
    | { readonly kind: 'exited'; readonly exit: ContainerExit }
    | { readonly kind: 'created' }
  /** As far as the container itself tells it. */
  readonly labels?: Partial<WorkspaceLabels>
}
