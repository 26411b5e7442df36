import type { WorkspaceId } from './id.ts'
import type { WorkspaceSpec } from './spec.ts'

export const providerNames = ['docker', 'process'] as const
export type ProviderName = (typeof providerNames)[number]

/** What a provider is told of the workspace that it works for. */
export interface WorkspaceRef {
  readonly id: WorkspaceId
  readonly owner: string
  readonly name: string
  /** Name of the template that it was made from. */
  readonly template: string
  readonly spec: WorkspaceSpec
  /** What the step `image` answered; `null` before that. */
  readonly imageId: string | null
  /** What the step `container` answered; `null` before that, and after the container vanished. */
  readonly containerId: string | null
  /** True when the once-per-container commands have already succeeded in this container. */
  readonly prepared: boolean
}
