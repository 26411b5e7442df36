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

/** What a user, an operator or the supervisor asks of a workspace. */
export type WorkspaceCommand =
  | CommandEvent<'start'>
  | CommandEvent<'stop'>
  | CommandEvent<'restart'>
  | CommandEvent<'delete'>
  | CommandEvent<'expire'>
  | (CommandEvent<'update'> & WorkspacePatch)

/** What an amend changes; what is left out stays. A TTL counts from the amend, `null` means never. */
export interface WorkspacePatch {
  readonly name?: string
  readonly ttlSeconds?: number | null
  readonly metadata?: JsonObject | null
}

/** What was seen at the engine. One that is about another container than the workspace's own is ignored. */
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

/** What the supervisor tells an actor about its own work. */
export type SupervisorEvent =
  | { readonly type: 'granted'; readonly at: number; readonly by: string }
  | { readonly type: 'resume'; readonly at: number; readonly by: string }
  | { readonly type: 'wake'; readonly at: number; readonly by: string }
  | { readonly type: 'progress'; readonly at: number; readonly by: string; readonly text: string }

export type WorkspaceEvent = WorkspaceCommand | WorkspaceObservation | SupervisorEvent

// The columns of the chart's tables: a group for each list that this file exports.
export { userCommands } from '../workspace/user-command.ts'
export const observations = ['exited', 'vanished', 'appeared'] as const satisfies WorkspaceObservation['type'][]
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

/** A provider's answer as the machine hears it: with the time, and with `luck` (0 to 1) to spread retries by. */
export type EffectResult<T> = Outcome<T> & { readonly at: number; readonly jitter: number }

/** An alarm's answer. */
export interface TimerFired {
  readonly at: number
}
