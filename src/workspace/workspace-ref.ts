import type { WorkspaceId } from './id.ts'
import type { WorkspaceSpec } from './spec.ts'

export const providerNames = ['docker', 'process'] as const
export type ProviderName = (typeof providerNames)[number]

/** What a provider needs to know about a workspace. */
export interface WorkspaceRef {
  readonly id: WorkspaceId
  readonly owner: string
  readonly name: string
  /** Name of the template that the workspace was created from. */
  readonly template: string
  readonly spec: WorkspaceSpec
  /** Result of the step `image`; `null` before that. */
  readonly imageId: string | null
  /** Result of the step `container`; `null` before that, and after the container vanished. */
  readonly containerId: string | null
  /** True when the once-per-container commands have already succeeded in this container. */
  readonly prepared: boolean
}
