import type { Connection, ContainerExit } from '../workspace/container.ts'
import type { Outcome } from '../workspace/fault.ts'
import type { JsonObject } from '../workspace/json.ts'
import type { ProviderName, WorkspaceRef } from '../workspace/workspace-ref.ts'

/** Every event carries the time: the machine reads no clock (M5). `at` is milliseconds since the epoch, `by` goes into the journal. */
interface CommandEvent<T extends string> {
  readonly type: T
  readonly at: number
  readonly by: string
}

/** What a user, an operator or the supervisor commands a workspace to do. */
export type WorkspaceCommand =
  | CommandEvent<'start'>
  | CommandEvent<'stop'>
  | CommandEvent<'restart'>
  | CommandEvent<'delete'>
  | CommandEvent<'expire'>
  | (CommandEvent<'update'> & WorkspacePatch)

/** What an update changes; omitted fields stay. A TTL counts from the update, `null` means never. */
export interface WorkspacePatch {
  readonly name?: string
  readonly ttlSeconds?: number | null
  readonly metadata?: JsonObject | null
}

/** What was observed at the engine. Ignored if it concerns another container than the workspace's own. */
export type WorkspaceObservation =
  | {
      readonly type: 'exited'
      readonly at: number
      readonly by: string
      readonly containerId: string
      readonly exit: ContainerExit
    }
  | { readonly type: 'vanished'; readonly at: number; readonly by: string; readonly containerId: string }
  | {
      readonly type: 'appeared'
      readonly at: number
      readonly by: string
      readonly containerId: string
      readonly connection: Connection
    }

/** How the supervisor steers an actor's work. */
export type SupervisorEvent =
  | { readonly type: 'granted'; readonly at: number; readonly by: string }
  | { readonly type: 'resume'; readonly at: number; readonly by: string }
  | { readonly type: 'wake'; readonly at: number; readonly by: string }
  | { readonly type: 'progress'; readonly at: number; readonly by: string; readonly text: string }

export type WorkspaceEvent = WorkspaceCommand | WorkspaceObservation | SupervisorEvent

// The columns of the chart's tables: a group for each list that this file exports.
export { userCommands } from '../workspace/user-command.ts'
/** @public Read by the chart discovery. */
export const observations = ['exited', 'vanished', 'appeared'] as const satisfies WorkspaceObservation['type'][]
/** @public Read by the chart discovery. */
export const supervisorEvents = [
  'granted',
  'resume',
  'wake',
  'progress',
  'expire',
] as const satisfies WorkspaceEvent['type'][]

/** What an effect works on. */
export interface EffectInput extends WorkspaceRef {
  readonly provider: ProviderName
}

/** The result of an effect, with the time, and `jitter` (0 to 1) to spread retries. */
export type EffectResult<T> = Outcome<T> & { readonly at: number; readonly jitter: number }

/** The result of a timer. */
export interface TimerFired {
  readonly at: number
}
