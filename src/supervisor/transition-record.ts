import { workspaceMachineVersion } from '../machines/snapshot-upgrades.ts'
import type { WorkspaceSnapshot } from '../machines/workspace-snapshot.ts'
import { statePath, statusOf } from '../machines/workspace-snapshot.ts'
import { encodeSnapshot } from '../persistence/snapshot-codec.ts'
import type { JournalLine, WorkspaceRow } from '../persistence/workspace-row.ts'

/** An event as the journal tells of it. */
export interface TransitionCause {
  readonly event: string
  readonly at: number
  readonly by: string
}

/** The row of a workspace as `snapshot` has it, at this revision. */
export function workspaceRowOf(snapshot: WorkspaceSnapshot, revision: number, updatedAt: number): WorkspaceRow {
  const { id, owner, name, template, provider, createdAt, expiresAt } = snapshot.context
  return {
    id,
    owner,
    name,
    template,
    provider,
    status: statusOf(snapshot.value),
    createdAt,
    updatedAt,
    expiresAt,
    revision,
    machine: workspaceMachineVersion,
    snapshot: encodeSnapshot(snapshot),
  }
}

/** The journal's line of a step. */
export function journalLineOf(
  before: WorkspaceSnapshot | null,
  after: WorkspaceSnapshot,
  { event, at, by }: TransitionCause,
): JournalLine {
  const { reason, attempts } = after.context
  return {
    at,
    event,
    from: before && statePath(before.value),
    to: statePath(after.value),
    by,
    reason: reason === before?.context.reason ? null : reason,
    attempts: attempts > 0 ? attempts : null,
  }
}

/**
 * What caused a step, of any event that reaches an actor. The end of an effect is named by it (`boot.done`, `boot.failed`), the end of
 * a wait `deadline.over` or `pause.over`.
 */
export function transitionCauseOf(event: { readonly type: string }, now: number): TransitionCause {
  if ('by' in event && typeof event.by === 'string')
    return { event: event.type, at: timestampIn(event) ?? now, by: event.by }
  const output = 'output' in event && typeof event.output === 'object' && event.output !== null ? event.output : {}
  const source = event.type.replace(/^xstate\.done\.actor\./, '')
  const at = timestampIn(output) ?? now
  if (!('ok' in output)) return { event: `${source}.over`, at, by: 'system:provisioner' }
  return { event: `${source}.${output.ok === true ? 'done' : 'failed'}`, at, by: 'engine' }
}

function timestampIn(value: object): number | undefined {
  return 'at' in value && typeof value.at === 'number' ? value.at : undefined
}
