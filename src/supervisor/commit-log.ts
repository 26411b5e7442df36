// Transitions of one turn of the event loop are one transaction: on a disk where an fsync takes 5 ms, a commit for each would allow
// about 185 a second. Effects and answers wait for the commit (laws 1 and 2).
import type { ActorLogic } from 'xstate'
import { workspaceMachineVersion } from '../machines/snapshot-upgrades.ts'
import type { WorkspaceInput } from '../machines/workspace-context.ts'
import type { workspaceMachine } from '../machines/workspace-machine.ts'
import type { WorkspaceSnapshot } from '../machines/workspace-snapshot.ts'
import { statePath, statusOf } from '../machines/workspace-snapshot.ts'
import { encodeSnapshot } from '../persistence/snapshot-codec.ts'
import type { JournalLine, TransitionRecord, WorkspaceRow } from '../persistence/workspace-row.ts'
import { errorCodeOf } from '../persistence/database-error.ts'
import type { FailedWrite } from '../persistence/workspace-store.ts'
import { isNameTaken } from '../persistence/workspace-store.ts'
import type { WorkspaceId } from '../workspace/id.ts'
import type { Log } from '../workspace/log.ts'

/** A transition that the machine has taken and the disk does not have yet. */
export interface StagedTransition {
  readonly record: TransitionRecord
  readonly snapshot: WorkspaceSnapshot
}

export type FailedWrites = ReadonlyMap<WorkspaceId, FailedWrite>

interface CommitBatch {
  readonly transitions: StagedTransition[]
  /** The newest revision of each workspace in this batch. */
  readonly newestRevisions: Map<WorkspaceId, number>
  readonly whenWritten: Promise<FailedWrites>
}

export interface CommitLogDeps {
  /** Writes a batch in one transaction and returns what failed. Never throws. */
  readonly write: (records: readonly TransitionRecord[]) => FailedWrites
  /** Runs the write at the end of the turn. */
  readonly scheduleFlush?: (flush: () => void) => void
}

export interface CommitLog {
  /** Adds a transition to the batch that is written at the end of this turn. */
  stage(transition: StagedTransition): void
  /** Calls `listener` after each write, before anything that waits for it. */
  onWritten(listener: (transitions: readonly StagedTransition[], failedWrites: FailedWrites) => void): void
  /**
   * Waits until all that is staged of this workspace *now* is on disk. Returns `undefined` then, or the failed write that lost it.
   */
  whenCommitted(id: WorkspaceId): Promise<FailedWrite | undefined>
  /** Waits until everything that is staged is written. */
  whenAllCommitted(): Promise<void>
}

/** Collects the transitions of a turn and writes them as one batch. */
export function commitLog({ write, scheduleFlush = setImmediate }: CommitLogDeps): CommitLog {
  const listeners: Parameters<CommitLog['onWritten']>[0][] = []
  let batch: CommitBatch | undefined

  function openBatch(): CommitBatch {
    const transitions: StagedTransition[] = []
    const whenWritten = new Promise<FailedWrites>((resolve) => {
      scheduleFlush(() => {
        batch = undefined // what listeners stage belongs to the next batch
        const failedWrites = write(transitions.map(({ record }) => record))
        try {
          for (const listener of listeners) listener(transitions, failedWrites)
        } finally {
          resolve(failedWrites) // a listener that throws must not leave a request waiting forever
        }
      })
    })
    return { transitions, newestRevisions: new Map(), whenWritten }
  }

  return {
    stage(transition) {
      batch ??= openBatch()
      batch.transitions.push(transition)
      batch.newestRevisions.set(transition.record.row.id, transition.record.row.revision)
    },
    onWritten: (listener) => void listeners.push(listener),
    async whenCommitted(id) {
      const revision = batch?.newestRevisions.get(id)
      if (!batch || revision === undefined) return undefined
      const failedWrite = (await batch.whenWritten).get(id)
      return failedWrite && failedWrite.revision <= revision ? failedWrite : undefined
    },
    async whenAllCommitted() {
      for (let pending = batch; pending; pending = batch) await pending.whenWritten
    },
  }
}

/** What a record's `admit` throws to refuse it: an expected failure, which is not logged. */
export class WriteRefused extends Error {}

/**
 * Logs what could not be written, one line for each kind of error: a full disk refuses a whole batch, again at each sweep, and the log
 * may be on that disk.
 */
export function logFailedWrites(failedWrites: FailedWrites, log: Log): void {
  const logged = new Set<unknown>()
  for (const [id, { error }] of failedWrites) {
    const kind = errorCodeOf(error) ?? error
    if (isNameTaken(error) || error instanceof WriteRefused || logged.has(kind)) continue
    logged.add(kind)
    log.error(
      { err: error, workspace: id, failed: failedWrites.size },
      'a transition could not be written: the workspace is rolled back',
    )
  }
}

type MachineEvent = Parameters<(typeof workspaceMachine)['transition']>[1]

/** What a workspace's actor runs. A restored actor has no input. */
export type WorkspaceLogic = ActorLogic<WorkspaceSnapshot, MachineEvent, WorkspaceInput | undefined>

/**
 * Wraps a machine so that each transition is staged where it is taken (law 1): before any subscriber sees it and before the first effect
 * of the new state runs. A pure call of the result's `transition` would stage as well.
 */
export function stageTransitions(
  machine: typeof workspaceMachine,
  stage: (before: WorkspaceSnapshot, after: WorkspaceSnapshot, event: MachineEvent) => void,
): WorkspaceLogic {
  return {
    transition(before, event, scope) {
      try {
        const after = machine.transition(before, event, scope)
        // `stopped` is the end of the service and `error` is a bug: an actor restored from either would be inert.
        if (after !== before && (after.status === 'active' || after.status === 'done')) stage(before, after, event)
        return after
      } catch (bug) {
        for (const child of Object.values(before.children)) if (child) scope.stopChild(child) // XState leaves them running
        throw bug
      }
    },
    getInitialSnapshot: (scope, input) => machine.getInitialSnapshot(scope, input),
    restoreSnapshot: (stored, scope) => machine.restoreSnapshot(stored, scope),
    getPersistedSnapshot: (snapshot, options) => machine.getPersistedSnapshot(snapshot, options),
    start: (snapshot) => machine.start(snapshot),
  }
}

/** What a journal line says about the event behind a transition. */
export interface TransitionCause {
  readonly event: string
  readonly at: number
  readonly by: string
}

/** Returns the row that stores `snapshot` at this revision. */
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

/** Returns the journal line of a transition; `before` is `null` for the first. */
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
 * Returns the cause of a transition, for any event that reaches an actor. An effect's end is named after the effect (`boot.done`,
 * `boot.failed`), a timer's after what it ends (`deadline.over`, `pause.over`).
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
