import type { SnapshotFrom, StateValueFrom } from 'xstate'
import type { UserCommand } from './workspace-event.ts'
import { userCommands } from './workspace-event.ts'
import type { workspaceMachine } from './workspace-machine.ts'

export type WorkspaceSnapshot = SnapshotFrom<typeof workspaceMachine>
type StateValue = StateValueFrom<typeof workspaceMachine>

/** A top-level state of the chart. The first four are the statuses that clients know. */
export type WorkspaceStatus = 'creating' | 'running' | 'stopped' | 'failed' | 'deleting' | 'deleted'

/** The state as a dotted path: `creating.boot`. */
export function statePath(value: StateValue): string {
  const parts: string[] = []
  let rest: unknown = value
  while (typeof rest === 'object' && rest !== null) {
    const [entry] = Object.entries(rest)
    if (!entry) break
    parts.push(entry[0])
    rest = entry[1]
  }
  return typeof rest === 'string' ? [...parts, rest].join('.') : parts.join('.')
}

/** The top-level state that a value is in. */
export function statusOf(value: StateValue): WorkspaceStatus {
  return typeof value === 'string' ? value : (Object.keys(value)[0] as WorkspaceStatus)
}

/** The commands that users may give in this state, in a fixed order. */
export function availableCommands(snapshot: WorkspaceSnapshot): readonly UserCommand[] {
  if (snapshot.status !== 'active') return []
  return userCommands.filter((type) => snapshot.can({ type, at: 0, by: '' }))
}

/**
 * A stored value and context in the form that `createActor` restores from: at rest, with nothing under way until it is told to resume.
 * Whether the machine knows the state shows in the actor's `getSnapshot().status`.
 */
export function restorableSnapshot(stored: { readonly value: unknown; readonly context: object }): WorkspaceSnapshot {
  const emptySnapshot = { status: 'active', output: undefined, error: undefined, children: {}, historyValue: {} }
  return { ...emptySnapshot, ...stored } as unknown as WorkspaceSnapshot
}
