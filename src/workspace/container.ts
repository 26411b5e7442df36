import type { WorkspaceId } from './id.ts'

/** How clients reach a running workspace: `container_id` (Docker); `pid`, `directory` (process); `ports`. */
export type Connection = Readonly<Record<string, string | number | Readonly<Record<string, number>>>>

/** Why a container does not run any more. */
export interface ContainerExit {
  /** Exit code; `null` if unknown. */
  readonly code: number | null
  /** Killed by the kernel or the engine because it ran out of memory. */
  readonly outOfMemory: boolean
  /** The container went down together with its engine or host. */
  readonly wentDownWithEngine: boolean
}

/** Labels that describe the workspace as it was when the container was created. Everyone with access to the engine can write them. */
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
  /** As far as the container's labels contain it. */
  readonly labels?: Partial<WorkspaceLabels>
}
