import type { Connection } from '../workspace/container.ts'
import type { WorkspaceId } from '../workspace/id.ts'
import type { JsonObject } from '../workspace/json.ts'
import type { Recipe } from '../workspace/recipe.ts'
import type { ProviderName, Subject } from '../workspace/subject.ts'

/** A provisioning step; each is a state of the chart, and the one that was reached is kept over a restart. */
export type Step = 'image' | 'container' | 'boot' | 'setup'

/** What a create asks for, checked and complete. Times are milliseconds since the epoch. */
export interface WorkspaceRequest {
  readonly id: WorkspaceId
  readonly owner: string
  readonly name: string
  readonly template: string
  readonly provider: ProviderName
  readonly recipe: Recipe
  readonly metadata: JsonObject | null
  readonly ttlSeconds: number | null
  readonly at: number
  /** A container that is there already and becomes the workspace's. `prepared`: its once-per-container commands are taken to be done. */
  readonly adopts?: { readonly containerId: string; readonly prepared: boolean }
}

/** What a workspace remembers. Plain JSON: it is stored as it stands (an Error or a Map would come back as `{}`). */
export interface WorkspaceContext {
  readonly id: WorkspaceId
  readonly owner: string
  readonly name: string
  readonly template: string
  readonly provider: ProviderName
  readonly recipe: Recipe
  readonly metadata: JsonObject | null
  readonly createdAt: number
  readonly ttlSeconds: number | null
  /** Absolute; `null` means never. */
  readonly expiresAt: number | null
  /** The provisioning step that was reached. */
  readonly step: Step
  /** Tries that failed since the command that is under way was given. */
  readonly tries: number
  /** When what is under way has to have succeeded. Absolute. */
  readonly deadline: number
  /** A wait is for the engine to come back, not only for its time. */
  readonly forEngine: boolean
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

const minute = 60_000

/** How long a create, a start or a stop may take in all: waiting for a slot and for an engine that is away included. */
export const limitMs = 30 * minute

/** How many failed tries, of all steps together, a step may be the last of; then the workspace is `failed`. */
export const triesOf: Readonly<Record<Step, number>> = { image: 3, container: 5, boot: 5, setup: 5 }
/** Tries that a stop has before the workspace is up again. */
export const triesOfHalt = 3

/** The context of a workspace that was just asked for. */
export function newWorkspace({ at, adopts, ...request }: WorkspaceRequest): WorkspaceContext {
  return {
    ...request,
    createdAt: at,
    expiresAt: expiry(at, request.ttlSeconds),
    step: adopts ? 'boot' : 'image',
    tries: 0,
    deadline: at + limitMs,
    forEngine: false,
    retryAt: 0,
    imageId: null,
    containerId: adopts?.containerId ?? null,
    prepared: adopts?.prepared ?? false,
    connection: null,
    reason: null,
    progress: null,
  }
}

/** The part of the context that a provider works with. */
export function subjectOf({ id, owner, name, template, recipe, ...found }: WorkspaceContext): Subject {
  const { imageId, containerId, prepared } = found
  return { id, owner, name, template, recipe, imageId, containerId, prepared }
}

/** When a workspace with this TTL, set at `at`, expires. */
export function expiry(at: number, ttlSeconds: number | null): number | null {
  return ttlSeconds === null ? null : at + ttlSeconds * 1000
}

/** When to try again: exponential from one second up to `mostMs`, of which `luck` (0 to 1) takes off up to a half. */
export function backoff(at: number, mostMs: number, tries: number, luck: number): number {
  return Math.round(at + Math.min(mostMs, 1000 * 2 ** (tries - 1)) * (1 - luck / 2))
}
