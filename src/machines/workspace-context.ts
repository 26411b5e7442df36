import type { Connection } from '../workspace/container.ts'
import type { WorkspaceId } from '../workspace/id.ts'
import type { JsonObject } from '../workspace/json.ts'
import type { WorkspaceSpec } from '../workspace/spec.ts'
import type { ProviderName, WorkspaceRef } from '../workspace/workspace-ref.ts'

/** A provisioning step. Each is a state of the statechart, and survives a restart of the service. */
export type ProvisioningStep = 'image' | 'container' | 'boot' | 'setup'

/** The input of a new workspace. Times are milliseconds since the epoch. */
export interface WorkspaceInput {
  readonly id: WorkspaceId
  readonly owner: string
  readonly name: string
  readonly template: string
  readonly provider: ProviderName
  readonly spec: WorkspaceSpec
  readonly metadata: JsonObject | null
  readonly ttlSeconds: number | null
  readonly at: number
  /** An existing container to adopt. `prepared`: its once-per-container commands count as done. */
  readonly adoptedContainer?: { readonly containerId: string; readonly prepared: boolean }
}

/** The context of a workspace. Plain JSON, as it is stored (an Error or a Map would come back as `{}`). */
export interface WorkspaceContext {
  readonly id: WorkspaceId
  readonly owner: string
  readonly name: string
  readonly template: string
  readonly provider: ProviderName
  readonly spec: WorkspaceSpec
  readonly metadata: JsonObject | null
  readonly createdAt: number
  readonly ttlSeconds: number | null
  /** Absolute; `null` means never. */
  readonly expiresAt: number | null
  /** The provisioning step that was reached. */
  readonly step: ProvisioningStep
  /** Attempts that failed since the present command. */
  readonly attempts: number
  /** When the present work must be done. Absolute. */
  readonly deadline: number
  /** The pause also ends when the engine is available again. */
  readonly waitingForEngine: boolean
  /** When the pause is over. Absolute. */
  readonly retryAt: number
  readonly imageId: string | null
  readonly containerId: string | null
  /** The once-per-container commands have succeeded in this container. */
  readonly prepared: boolean
  readonly connection: Connection | null
  /** Why the workspace is in this state, for a person; `null` when all is well. */
  readonly reason: string | null
  /** Progress of a long step, for a person. */
  readonly progress: string | null
}

const minuteMs = 60_000

/** How long a create, start or stop may take, including the wait for a slot or an unavailable engine. */
export const operationTimeoutMs = 30 * minuteMs

/** The number of failed attempts, of all steps together, after which a failure of this step is final. */
export const maxAttempts: Readonly<Record<ProvisioningStep, number>> = { image: 3, container: 5, boot: 5, setup: 5 }
/** Attempts of a stop before the workspace counts as running again. */
export const maxStopAttempts = 3

/** Returns the context of a new workspace. */
export function initialContext({ at, adoptedContainer, ...input }: WorkspaceInput): WorkspaceContext {
  return {
    ...input,
    createdAt: at,
    expiresAt: expiryTime(at, input.ttlSeconds),
    step: adoptedContainer ? 'boot' : 'image',
    attempts: 0,
    deadline: at + operationTimeoutMs,
    waitingForEngine: false,
    retryAt: 0,
    imageId: null,
    containerId: adoptedContainer?.containerId ?? null,
    prepared: adoptedContainer?.prepared ?? false,
    connection: null,
    reason: null,
    progress: null,
  }
}

/** Returns the part of the context that providers work with. */
export function workspaceRefOf({ id, owner, name, template, spec, ...rest }: WorkspaceContext): WorkspaceRef {
  const { imageId, containerId, prepared } = rest
  return { id, owner, name, template, spec, imageId, containerId, prepared }
}

/** Returns when a TTL that is set at `at` ends. */
export function expiryTime(at: number, ttlSeconds: number | null): number | null {
  return ttlSeconds === null ? null : at + ttlSeconds * 1000
}

/** Returns when to retry: exponential from one second up to `maxDelayMs`. `jitter` (0 to 1) takes off up to half. */
export function backoff(at: number, maxDelayMs: number, attempts: number, jitter: number): number {
  return Math.round(at + Math.min(maxDelayMs, 1000 * 2 ** (attempts - 1)) * (1 - jitter / 2))
}
