// The actor registry: one actor per stored workspace, and the snapshot of each that is on disk.
import { createActor } from 'xstate'
import type { Actor } from 'xstate'
import type { workspaceMachine } from '../machines/workspace-machine.ts'
import type { WorkspaceEvent } from '../machines/workspace-event.ts'
import type { WorkspaceInput } from '../machines/workspace-context.ts'
import type { WorkspaceSnapshot } from '../machines/workspace-snapshot.ts'
import { statusOf } from '../machines/workspace-snapshot.ts'
import type { JournalLine, StoredWorkspaceRow, TransitionRecord } from '../persistence/workspace-row.ts'
import type { ReadabilityMark, WorkspaceStore } from '../persistence/workspace-store.ts'
import type { WorkspaceId } from '../workspace/id.ts'
import type { Log } from '../workspace/log.ts'
import type { CommitLog, FailedWrites, StagedTransition, TransitionCause, WorkspaceLogic } from './commit-log.ts'
import { journalLineOf, logFailedWrites, stageTransitions, transitionCauseOf, workspaceRowOf } from './commit-log.ts'
import type { RestorableState } from './restore.ts'
import { createRestoredActor, deletingStateFromRow, readRestorableState } from './restore.ts'

/** A workspace with its actor, and what of it is on disk. */
export interface LiveWorkspace {
  readonly actor: Actor<WorkspaceLogic>
  readonly committed: WorkspaceSnapshot
  /** Revision of `committed`. */
  readonly revision: number
  /** Revision of the newest transition that was staged. */
  readonly stagedRevision: number
  /** When `committed` was decided, milliseconds since the epoch. */
  readonly updatedAt: number
  /** Number of the batch that wrote `committed`, counted since the start. Shows whether it changed since an earlier batch. */
  readonly commit: number
}

/** A workspace whose snapshot cannot be read: visible and deletable, nothing more (law 7). */
export interface QuarantinedWorkspace {
  readonly row: StoredWorkspaceRow
  readonly reason: string
}

/** A workspace as it is on disk. */
export type WorkspaceView =
  | { readonly kind: 'live'; readonly snapshot: WorkspaceSnapshot; readonly updatedAt: number }
  | ({ readonly kind: 'quarantined' } & QuarantinedWorkspace)

/** A transition that is on disk. `before` is `null` for the first of a workspace. */
export interface CommittedTransition {
  readonly id: WorkspaceId
  readonly before: WorkspaceSnapshot | null
  readonly after: WorkspaceSnapshot
  readonly line: JournalLine | null
}

/** `anyWritten` is false if the whole batch failed. */
type CommittedListener = (transitions: readonly CommittedTransition[], anyWritten: boolean) => void
type InterruptedListener = (id: WorkspaceId, snapshot: WorkspaceSnapshot) => void

export interface ActorRegistryDeps {
  readonly store: WorkspaceStore
  readonly commits: CommitLog
  readonly machine: typeof workspaceMachine
  readonly log: Log
  readonly now: () => number
}

/** What may go into the record of a create. */
export type CreateRecord = Pick<TransitionRecord, 'admit' | 'storedResponse'>

export type ActorRegistry = ReturnType<typeof actorRegistry>

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** Actors that run, their transitions on the way to disk, and their rollback when a write fails. */
function liveActors({ commits, machine, log, now }: Omit<ActorRegistryDeps, 'store'>) {
  const live = new Map<WorkspaceId, Mutable<LiveWorkspace>>()
  const listeners = { committed: [] as CommittedListener[], interrupted: [] as InterruptedListener[] }
  let commit = 0
  let closed = false

  const logic = stageTransitions(machine, (before, after, event) => {
    const workspace = live.get(after.context.id)
    if (!workspace || closed) return
    workspace.stagedRevision += 1
    const cause = transitionCauseOf(event, now())
    // Progress is shown, but is not part of a workspace's history.
    const line = event.type === 'progress' ? null : journalLineOf(before, after, cause)
    const row = workspaceRowOf(after, workspace.stagedRevision, cause.at)
    commits.stage({ record: { row, line, final: after.status === 'done' }, snapshot: after })
  })

  function start(actor: Actor<WorkspaceLogic>, revision: number, updatedAt: number) {
    const committed = actor.getSnapshot()
    const { id } = committed.context
    live.set(id, { actor, committed, revision, stagedRevision: revision, updatedAt, commit })
    actor.subscribe({
      error: (bug) => {
        log.error({ err: bug, workspace: id }, 'an actor failed: this is a bug in vm-api; the workspace is rolled back')
        // What it decided in this turn is still to be written, and is what it is rolled back to.
        void commits.whenCommitted(id).then(() => live.get(id)?.actor === actor && rollback(id))
      },
    })
    actor.start()
  }

  /** Restores an actor where it was. Throws what is wrong with the state, before anything has started. */
  function restore(id: WorkspaceId, stored: RestorableState, revision: number, updatedAt: number) {
    const actor = createRestoredActor(logic, id, stored)
    const snapshot = actor.getSnapshot()
    if (snapshot.status === 'error') throw snapshot.error
    start(actor, revision, updatedAt)
    if (snapshot.hasTag('busy')) for (const listener of listeners.interrupted) listener(id, snapshot)
  }

  // Does not resume the work: the sweep does that. On a full disk it would be a hot loop.
  function rollback(id: WorkspaceId) {
    const workspace = live.get(id)
    if (!workspace || closed) return
    workspace.actor.stop()
    const { value, context } = workspace.committed
    restore(id, { value, context }, workspace.revision, workspace.updatedAt)
  }

  function emitCommitted(transitions: readonly CommittedTransition[], anyWritten: boolean) {
    for (const listener of listeners.committed) listener(transitions, anyWritten)
  }

  commits.onWritten((staged, failedWrites) => {
    commit += 1
    const transitions = staged.flatMap((transition) => applyCommit(live, transition, failedWrites, commit))
    logFailedWrites(failedWrites, log)
    for (const id of failedWrites.keys()) rollback(id)
    // One refused transition says nothing about the disk.
    emitCommitted(transitions, failedWrites.size === 0 || staged.some(({ record }) => !failedWrites.has(record.row.id)))
  })

  return {
    live,
    logic,
    start,
    restore,
    emitCommitted,
    onCommitted: (listener: CommittedListener) => void listeners.committed.push(listener),
    onInterrupted: (listener: InterruptedListener) => void listeners.interrupted.push(listener),
    commitCount: () => commit,
    closed: () => closed,
    async close() {
      await commits.whenAllCommitted()
      closed = true
      for (const { actor } of live.values()) actor.stop()
    },
  }
}

/** Makes a staged transition the committed state of its workspace, unless it was not written. */
function applyCommit(
  live: Map<WorkspaceId, Mutable<LiveWorkspace>>,
  { record, snapshot }: StagedTransition,
  failedWrites: FailedWrites,
  commit: number,
): readonly CommittedTransition[] {
  const { id, revision, updatedAt } = record.row
  const failedWrite = failedWrites.get(id)
  const workspace = live.get(id)
  if (!workspace || (failedWrite && failedWrite.revision <= revision)) return []
  const before = workspace.committed
  live.set(id, Object.assign(workspace, { committed: snapshot, revision, updatedAt, commit }))
  if (record.final) live.delete(id)
  return [{ id, before, after: snapshot, line: record.line }]
}

type LiveActors = ReturnType<typeof liveActors>

/** Workspaces whose rows cannot be read. */
function quarantine(commits: CommitLog, { logic, restore, closed }: LiveActors) {
  const rows = new Map<WorkspaceId, QuarantinedWorkspace>()
  const deleting = new Set<WorkspaceId>()

  function stageDeletion(id: WorkspaceId, stored: RestorableState, revision: number, cause: TransitionCause) {
    const snapshot = createRestoredActor(logic, id, stored).getSnapshot()
    const line = { ...journalLineOf(null, snapshot, cause), from: 'failed' }
    commits.stage({ record: { row: workspaceRowOf(snapshot, revision, cause.at), line, final: false }, snapshot })
  }

  return {
    rows,
    async delete(id: WorkspaceId, cause: TransitionCause) {
      const row = rows.get(id)?.row
      if (!row || closed()) return { kind: 'not-found' } as const
      const stored = deletingStateFromRow(row)
      if (!stored) return { kind: 'unknown-provider' } as const
      const revision = row.revision + 1
      const isFirst = !deleting.has(id)
      if (isFirst) {
        deleting.add(id)
        stageDeletion(id, stored, revision, cause)
      }
      const failedWrite = await commits.whenCommitted(id)
      if (isFirst) deleting.delete(id)
      if (failedWrite) return { kind: 'write-failed', error: failedWrite.error } as const
      if (rows.delete(id) && !closed()) restore(id, stored, revision, cause.at)
      return { kind: 'deleting' } as const
    },
  }
}

/** Holds every stored workspace: an actor if its snapshot can be read, else its row, in quarantine. */
export function actorRegistry(deps: ActorRegistryDeps) {
  const { store, commits, log } = deps
  const actors = liveActors(deps)
  const { live, closed } = actors
  const quarantined = quarantine(commits, actors)
  let allRestored = false

  function rehydrate(rows: readonly StoredWorkspaceRow[]) {
    const isRestored = ({ id }: StoredWorkspaceRow) => live.has(id) || quarantined.rows.has(id)
    const marks = rows.flatMap((row) => (isRestored(row) ? [] : (restoreRow(row, actors, quarantined.rows, log) ?? [])))
    if (marks.length === 0) return
    try {
      store.markReadability(marks)
    } catch (error) {
      log.error(
        { err: error, rows: marks.length },
        'rows could not be marked as readable or unreadable: retried at the next start',
      )
    }
  }

  function find(id: WorkspaceId): LiveWorkspace | undefined {
    // Once all are restored, the database is not read: that would take longer for an unknown id than for another owner's (law 11).
    if (!allRestored && !live.has(id) && !quarantined.rows.has(id)) {
      const row = store.byId(id)
      if (row) rehydrate([row])
    }
    return live.get(id)
  }

  return {
    /** Returns a live workspace; restores it first, if rehydration has not reached it yet. */
    find,
    /** Returns the committed state of a workspace, live or quarantined. */
    view(id: WorkspaceId): WorkspaceView | undefined {
      const workspace = find(id)
      if (workspace) return { kind: 'live', snapshot: workspace.committed, updatedAt: workspace.updatedAt }
      const stored = quarantined.rows.get(id)
      return stored && { kind: 'quarantined', ...stored }
    },
    /** The live workspaces, in no order. */
    all: (): ReadonlyMap<WorkspaceId, LiveWorkspace> => live,
    quarantinedCount: () => quarantined.rows.size,
    /** The number of the last batch. */
    commitCount: actors.commitCount,
    whenCommitted: commits.whenCommitted,
    /** Calls `listener` after each batch with what is on disk now. */
    onCommitted: actors.onCommitted,
    /** Calls `listener` when an actor was restored in the middle of its work, which waits for `resume`. */
    onInterrupted: actors.onInterrupted,

    /** Restores stored rows that are not restored yet. */
    rehydrate,
    /** Every stored row is restored: an id that is not here does not exist. */
    markRehydrated() {
      allRestored = true
    },

    create: (input: WorkspaceInput, by: string, recordOf: (snapshot: WorkspaceSnapshot) => CreateRecord) =>
      createWorkspace(commits, actors, input, by, recordOf),

    /** Sends an event. Returns false, and changes nothing, if the workspace is not live or does not accept it now. */
    send(id: WorkspaceId, event: WorkspaceEvent): boolean {
      const workspace = find(id)
      if (!workspace || closed()) return false
      const snapshot = workspace.actor.getSnapshot()
      if (snapshot.status !== 'active' || !snapshot.can(event)) return false
      workspace.actor.send(event)
      return true
    },

    /** Deletes a quarantined workspace: once that is on disk, it is live and interrupted. May be repeated. */
    deleteQuarantined: quarantined.delete,

    /** Stops every actor where it is, after what is staged is written. The workspaces are not affected (law 12). */
    close: actors.close,
  }
}

/** Creates a workspace and waits for the disk. Its actor starts only then. */
async function createWorkspace(
  commits: CommitLog,
  { logic, live, start, closed, emitCommitted }: LiveActors,
  input: WorkspaceInput,
  by: string,
  recordOf: (snapshot: WorkspaceSnapshot) => CreateRecord,
) {
  const { id, at, adoptedContainer } = input
  const actor = createActor(logic, { id, input })
  const snapshot = actor.getSnapshot()
  const line = journalLineOf(null, snapshot, { event: adoptedContainer ? 'adopt' : 'create', at, by })
  const record = { row: workspaceRowOf(snapshot, 1, at), line, final: false, ...recordOf(snapshot) }
  commits.stage({ record, snapshot })
  const failedWrite = await commits.whenCommitted(id)
  if (failedWrite) return { kind: 'write-failed', error: failedWrite.error } as const
  if (!closed() && !live.has(id)) {
    start(actor, 1, at)
    emitCommitted([{ id, before: null, after: snapshot, line }], true)
  }
  return { kind: 'created', snapshot } as const
}

/** Restores a row, or puts it in quarantine. Returns what is to be marked in the row, if anything. */
function restoreRow(
  row: StoredWorkspaceRow,
  { live, restore }: LiveActors,
  quarantined: Map<WorkspaceId, QuarantinedWorkspace>,
  log: Log,
): ReadabilityMark | undefined {
  const { id, revision, updatedAt } = row
  try {
    restore(id, readRestorableState(row), revision, updatedAt)
    const restored = live.get(id)
    return row.unreadable === null || !restored
      ? undefined
      : { id, status: statusOf(restored.committed.value), unreadable: null }
  } catch (error) {
    const isDeleting = row.status === 'deleting'
    const deleting = isDeleting ? deletingStateFromRow(row) : undefined
    log.error(
      { err: error, workspace: id },
      deleting
        ? 'a workspace that is being deleted cannot be read: its deletion continues from the columns of its row'
        : 'a workspace cannot be read and is quarantined: it can only be deleted',
    )
    if (deleting) {
      restore(id, deleting, revision, updatedAt) // law 4
      return undefined
    }
    const reason = error instanceof Error ? error.message : String(error)
    quarantined.set(id, { row, reason })
    // A deleted workspace must not take its name back.
    return row.unreadable === reason
      ? undefined
      : { id, status: isDeleting ? 'deleting' : 'failed', unreadable: reason }
  }
}
