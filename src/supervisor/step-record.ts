import { workspaceMachineVersion } from '../machines/workspace-version.ts'
import type { WorkspaceSnapshot } from '../machines/workspace-view.ts'
import { statePath, statusOf } from '../machines/workspace-view.ts'
import { encodeSnapshot } from '../persistence/snapshot-codec.ts'
import type { JournalLine, WorkspaceRow } from '../persistence/workspace-row.ts'

/** An event as the journal tells of it. */
export interface Cause {
  readonly event: string
  readonly at: number
  readonly by: string
}

/** The row of a workspace as `snapshot` has it, at this revision. */
export function rowOf(snapshot: WorkspaceSnapshot, revision: number, updatedAt: number): WorkspaceRow {
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
export function lineOf(
  before: WorkspaceSnapshot | null,
  after: WorkspaceSnapshot,
  { event, at, by }: Cause,
): JournalLine {
  const { reason, tries } = after.context
  return {
    at,
    event,
    from: before && statePath(before.value),
    to: statePath(after.value),
    by,
    reason: reason === before?.context.reason ? null : reason,
    tries: tries > 0 ? tries : null,
  }
}

/**
 * What caused a step, of any event that reaches an actor. The end of an effect is named by it (`boot.done`, `boot.failed`), the end of
 * a wait `deadline.over` or `pause.over`.
 */
export function causeOf(event: { readonly type: string }, now: number): Cause {
  if ('by' in event && typeof event.by === 'string')
    return { event: event.type, at: timeIn(event) ?? now, by: event.by }
  const output = 'output' in event && typeof event.output === 'object' && event.output !== null ? event.output : {}
  const source = event.type.replace(/^xstate\.done\.actor\./, '')
  const at = timeIn(output) ?? now
  if (!('ok' in output)) return { event: `${source}.over`, at, by: 'system:provisioner' }
  return { event: `${source}.${output.ok === true ? 'done' : 'failed'}`, at, by: 'engine' }
}

function timeIn(from: object): number | undefined {
  return 'at' in from && typeof from.at === 'number' ? from.at : undefined
}
