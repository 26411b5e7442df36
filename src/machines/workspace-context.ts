import type { Connection } from '../workspace/container.ts'
import type { WorkspaceId } from '../workspace/id.ts'
import type { JsonObject } from '../workspace/json.ts'
import type { WorkspaceSpec } from '../workspace/spec.ts'
import type { ProviderName, WorkspaceRef } from '../workspace/workspace-ref.ts'

/** A provisioning step; each is a state of the chart, and the one that was reached is kept over a restart. */
export type ProvisioningStep = 'image' | 'container' | 'boot' | 'setup'

/** What a create asks for, checked and complete. Times are milliseconds since the epoch. */
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
  /** A container that is there already and becomes the workspace's. `prepared`: its once-per-container commands are taken to be done. */
  readonly adoptedContainer?: { readonly containerId: string; readonly prepared: boolean }
}

/** What a workspace remembers. Plain JSON: it is stored as it stands (an Error or a Map would come back as `{}`). */
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
  /** Tries that failed since the command that is under way was given. */
  readonly attempts: number
  /** When what is under way has to have succeeded. Absolute. */
  readonly deadline: number
  /** A wait is for the engine to come back, not only for its time. */
  readonly waitingForEngine: boolean
  /** When a wait is over. Absolute. */
  readonly retryAt: number
  readonly imageId: string | null
  readonly containerId: string | null
  /** The once-per-container commands have succeeded in this container. */
  readonly prepared: boolean
  readonly connection: Connection | null
  /** Why it is as it is, for a person; `null` when all is well. */
  readonly reason: string | null
  /** What the present step says of itself while it takes long. */
  readonly progress: string | null
}

const minuteMs = 60_000

/** How long a create, a start or a stop may take in all: waiting for a slot and for an engine that is away included. */
export const operationTimeoutMs = 30 * minuteMs

/** How many failed tries, of all steps together, a step may be the last of; then the workspace is `failed`. */
export const maxAttempts: Readonly<Record<ProvisioningStep, number>> = { image: 3, container: 5, boot: 5, setup: 5 }
/** Tries that a stop has before the workspace is up again. */
export const maxStopAttempts = 3

/** The context of a workspace that was just asked for. */
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

/** The part of the context that a provider works with. */
export function workspaceRefOf({ id, owner, name, template, spec, ...rest }: WorkspaceContext): WorkspaceRef {
  const { imageId, containerId, prepared } = rest
  return { id, owner, name, template, spec, imageId, containerId, prepared }
}

/** When a workspace with this TTL, set at `at`, expires. */
export function expiryTime(at: number, ttlSeconds: number | null): number | null {
  return ttlSeconds === null ? null : at + ttlSeconds * 1000
}

/** When to try again: exponential from one second up to `mostMs`, of which `luck` (0 to 1) takes off up to a half. */
export function backoff(at: number, maxDelayMs: number, attempts: number, jitter: number): number {
  return Math.round(at + Math.min(maxDelayMs, 1000 * 2 ** (attempts - 1)) * (1 - jitter / 2))
}
