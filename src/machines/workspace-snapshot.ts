import type { SnapshotFrom, StateValueFrom } from 'xstate'
import type { UserCommand } from '../workspace/user-command.ts'
import { userCommands } from '../workspace/user-command.ts'
import type { workspaceMachine } from './workspace-machine.ts'

export type WorkspaceSnapshot = SnapshotFrom<typeof workspaceMachine>
type StateValue = StateValueFrom<typeof workspaceMachine>

type PathOf<Value> = Value extends string
  ? Value
  : { [Key in keyof Value & string]: `${Key}.${PathOf<Value[Key]>}` }[keyof Value & string]

/** Every state that a workspace can be in, as a dotted path: `creating.boot`. */
export type StatePath = PathOf<StateValue>

type StatusOf<Path> = Path extends `${infer Status}.${string}` ? Status : Path

/** A top-level state of the chart. */
export type WorkspaceStatus = StatusOf<StatePath>

/** Returns the dotted path of a state. */
export function statePath(value: StateValue): StatePath {
  const keys: string[] = []
  let rest: unknown = value
  while (typeof rest === 'object' && rest !== null) {
    const [entry] = Object.entries(rest)
    if (!entry) break
    keys.push(entry[0])
    rest = entry[1]
  }
  if (typeof rest === 'string') keys.push(rest)
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the keys of a state value, joined, are its path
  return keys.join('.') as StatePath
}

/** Returns the top-level state of a state value. */
export function statusOf(value: StateValue): WorkspaceStatus {
  const [status] = typeof value === 'string' ? [value] : Object.keys(value)
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the outermost key of a state value is its status
  return status as WorkspaceStatus
}

/** Returns the commands that users may give in this state, in the order of {@link userCommands}. */
export function availableCommands(snapshot: WorkspaceSnapshot): readonly UserCommand[] {
  if (snapshot.status !== 'active') return []
  return userCommands.filter((type) => snapshot.can({ type, at: 0, by: '' }))
}

/**
 * Puts a stored value and context into the form that `createActor` restores from. It has no children: nothing runs until `resume`.
 * An unknown state shows as the status `error` of the actor's snapshot.
 */
export function restorableSnapshot(stored: { readonly value: unknown; readonly context: object }): WorkspaceSnapshot {
  const emptySnapshot = { status: 'active', output: undefined, error: undefined, children: {}, historyValue: {} }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a codec: XState has no type for this form
  return { ...emptySnapshot, ...stored } as unknown as WorkspaceSnapshot
}
