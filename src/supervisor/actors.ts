// Who is alive: one actor per stored workspace, each with the snapshot that is on disk. Start-up, reading ahead of it, and putting an
// actor back after a lost step are the same function, `revive`.
import { createActor } from 'xstate'
import type { Actor } from 'xstate'
import type { WorkspaceEvent } from '../machines/workspace-event.ts'
import type { WorkspaceInput } from '../machines/workspace-context.ts'
import type { WorkspaceSnapshot } from '../machines/workspace-snapshot.ts'
import { statusOf } from '../machines/workspace-snapshot.ts'
import type { StoredResponse, StoredWorkspaceRow } from '../persistence/workspace-row.ts'
import type { FailedWrite, ReadabilityMark, WorkspaceStore } from '../persistence/workspace-store.ts'
import type { WorkspaceId } from '../workspace/id.ts'
import type { Log } from '../workspace/log.ts'
import type { WorkspaceLogic } from './workspace-logic.ts'
import { stageTransitions, createRestoredActor } from './workspace-logic.ts'
import type { QuarantinedWorkspace, CommittedTransition, LiveWorkspace } from './live-workspace.ts'
import { logFailedWrites } from './failed-writes.ts'
import { deletingStateFromRow } from './quarantine.ts'
import type { TransitionCause } from './transition-record.ts'
import { transitionCauseOf, journalLineOf, workspaceRowOf } from './transition-record.ts'
import type { CommitLog } from './commit-log.ts'
import { commitLog } from './commit-log.ts'
import { readRestorableState } from './restorable-state.ts'

export interface ActorRegistryDeps {
  readonly store: WorkspaceStore
  readonly logic: WorkspaceLogic
  readonly log: Log
  readonly now: () => number
  /** Told of every step that is on disk, and once per group with `calm: false` if none of it is. */
  readonly onCommit: (transitions: readonly CommittedTransition[], anyWritten: boolean) => void
  /** Told of an actor that is alive but not yet told to go on with what it was doing. */
  readonly onInterrupted: (id: WorkspaceId) => void
  readonly scheduleFlush?: (flush: () => void) => void
}

export type ActorRegistry = ReturnType<typeof actorRegistry>

interface StagedSnapshot {
  readonly snapshot: WorkspaceSnapshot
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

export function actorRegistry({ store, logic, log, now, onCommit, onInterrupted, scheduleFlush }: ActorRegistryDeps) {
  const live = new Map<WorkspaceId, Mutable<LiveWorkspace>>()
  const quarantined = new Map<WorkspaceId, QuarantinedWorkspace>()
  const deletingQuarantined = new Set<WorkspaceId>()
  const commits: CommitLog<StagedSnapshot> = commitLog(store.commit, onBatchWritten, scheduleFlush)
  let commit = 0
  let allRestored = false
  let closed = false

  const stagedLogic = stageTransitions(logic, (actorId, before, after, event) => {
    const id = actorId as WorkspaceId // createActor was given it as the actor's id
    const workspace = live.get(id)
    if (!workspace || closed) return
    workspace.stagedRevision += 1
    const cause = transitionCauseOf(event, now())
    // How far a download has come is shown, and is no part of a workspace's history.
    const line = event.type === 'progress' ? null : journalLineOf(before, after, cause)
    const row = workspaceRowOf(after, workspace.stagedRevision, cause.at)
    commits.stage({ record: { row, line, final: after.status === 'done' }, payload: { snapshot: after } })
  })

  function onBatchWritten(
    transitions: Parameters<Parameters<typeof commitLog<StagedSnapshot>>[1]>[0],
    failedWrites: ReadonlyMap<WorkspaceId, FailedWrite>,
  ) {
    commit += 1
    const applied: CommittedTransition[] = []
    for (const { record, payload } of transitions) {
      const { id, revision, updatedAt } = record.row
      const failedWrite = failedWrites.get(id)
      const workspace = live.get(id)
      if (!workspace || (failedWrite && failedWrite.revision <= revision)) continue
      applied.push({ id, before: workspace.committed, after: payload.snapshot, line: record.line })
      Object.assign(workspace, { committed: payload.snapshot, revision, updatedAt, commit })
      if (record.final) live.delete(id)
    }
    logFailedWrites(failedWrites, log)
    for (const id of failedWrites.keys()) rollback(id)
    // One step that is refused says nothing about the disk.
    onCommit(applied, failedWrites.size === 0 || transitions.some(({ record }) => !failedWrites.has(record.row.id)))
  }

  function startActor(
    id: WorkspaceId,
    actor: Actor<WorkspaceLogic>,
    snapshot: WorkspaceSnapshot,
    revision: number,
    updatedAt: number,
  ) {
    live.set(id, { actor, committed: snapshot, revision, stagedRevision: revision, updatedAt, commit })
    actor.subscribe({
      error: (bug) => {
        log.error({ err: bug, workspace: id }, 'an actor failed: this is a bug in vm-api; the workspace is put back')
        // What it has decided in this turn is still to be written, and is what it is put back to.
        void commits.whenCommitted(id).then(() => live.get(id)?.actor === actor && rollback(id))
      },
    })
    actor.start()
  }

  /** Brings an actor to life where it was. Throws what is wrong with the snapshot, before anything has started. */
  function restoreActor(
    id: WorkspaceId,
    stored: { value: unknown; context: object },
    revision: number,
    updatedAt: number,
  ) {
    const actor = createRestoredActor(stagedLogic, id, stored)
    const snapshot = actor.getSnapshot()
    if (snapshot.status === 'error') throw snapshot.error
    startActor(id, actor, snapshot, revision, updatedAt)
    if (snapshot.hasTag('busy')) onInterrupted(id)
  }

  // No resume here: the sweep does that. On a full disk it would be a hot loop.
  function rollback(id: WorkspaceId) {
    const workspace = live.get(id)
    if (!workspace || closed) return
    workspace.actor.stop()
    restoreActor(
      id,
      { value: workspace.committed.value, context: workspace.committed.context },
      workspace.revision,
      workspace.updatedAt,
    )
  }

  /** Brings a row to life or sets it aside. Answers what is to be marked in the row, if anything is. */
  function restoreRow(row: StoredWorkspaceRow): ReadabilityMark | undefined {
    const { id, revision, updatedAt } = row
    try {
      const stored = readRestorableState(row)
      restoreActor(id, stored, revision, updatedAt)
      const status = live.get(id)?.committed.value
      return row.unreadable === null || !status ? undefined : { id, status: statusOf(status), unreadable: null }
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      const deleting = row.status === 'deleting'
      log.error(
        { err: error, workspace: id },
        deleting
          ? 'a workspace that is being deleted cannot be read: it goes on by what its row says'
          : 'a workspace cannot be read and is set aside: it can only be deleted',
      )
      if (deleting) {
        restoreActor(id, deletingStateFromRow(row), revision, updatedAt) // law 4: it gets there all the same
        return undefined
      }
      quarantined.set(id, { row, reason })
      return row.unreadable === reason ? undefined : { id, status: 'failed', unreadable: reason }
    }
  }

  function restoreRows(rows: readonly StoredWorkspaceRow[]) {
    const marks = rows.flatMap((row) => (live.has(row.id) || quarantined.has(row.id) ? [] : (restoreRow(row) ?? [])))
    if (marks.length === 0) return
    try {
      store.markReadability(marks)
    } catch (error) {
      log.error(
        { err: error, rows: marks.length },
        'rows could not be marked as readable or not: the next start does it',
      )
    }
  }

  /** The workspace, alive; brought to life on the way if its turn has not come yet. */
  function find(id: WorkspaceId): LiveWorkspace | undefined {
    // Once all are here nobody is looked for in the database: that took longer for an id that does not exist than for another owner's (law 11).
    if (!allRestored && !live.has(id) && !quarantined.has(id)) {
      const row = store.byId(id)
      if (row) restoreRows([row])
    }
    return live.get(id)
  }

  return {
    find,
    /** Those that are alive, in no order. */
    all: (): ReadonlyMap<WorkspaceId, LiveWorkspace> => live,
    findQuarantined: (id: WorkspaceId): QuarantinedWorkspace | undefined => quarantined.get(id),
    /** How many are set aside. */
    quarantinedCount: () => quarantined.size,
    /** The number of the last commit. */
    commitCount: () => commit,
    whenCommitted: commits.whenCommitted,

    /** Brings stored rows to life that are not yet. */
    rehydrate: restoreRows,
    /** Every stored row was brought to life: who is not here does not exist. */
    markRehydrated() {
      allRestored = true
    },

    /** Makes a workspace. The actor is not started before its row is on disk; answers the loss if that fails. */
    async create(
      request: WorkspaceInput,
      by: string,
      toStoredResponse?: (snapshot: WorkspaceSnapshot) => StoredResponse,
    ) {
      const actor = createActor(stagedLogic, { id: request.id, input: request })
      const snapshot = actor.getSnapshot()
      const line = journalLineOf(null, snapshot, {
        event: request.adoptedContainer ? 'adopt' : 'create',
        at: request.at,
        by,
      })
      const row = workspaceRowOf(snapshot, 1, request.at)
      commits.stage({
        record: { row, line, final: false, ...(toStoredResponse && { storedResponse: toStoredResponse(snapshot) }) },
        payload: { snapshot },
      })
      const failedWrite = await commits.whenCommitted(request.id)
      if (failedWrite) return { kind: 'lost', failedWrite } as const
      if (!closed && !live.has(request.id)) {
        startActor(request.id, actor, snapshot, 1, request.at)
        onCommit([{ id: request.id, before: null, after: snapshot, line }], true)
      }
      return { kind: 'created', snapshot } as const
    },

    /** Sends an event. False if the workspace does not live, or does not take it now; nothing has happened then. */
    send(id: WorkspaceId, event: WorkspaceEvent): boolean {
      const workspace = find(id)
      if (!workspace || closed) return false
      const snapshot = workspace.actor.getSnapshot()
      if (snapshot.status !== 'active' || !snapshot.can(event)) return false
      workspace.actor.send(event)
      return true
    },

    /**
     * Begins to delete a workspace whose record cannot be read. It stays set aside until that is on disk; then `interrupted` is told
     * of it. May be repeated.
     */
    async deleteQuarantined(id: WorkspaceId, cause: TransitionCause) {
      const quarantinedWorkspace = quarantined.get(id)
      if (!quarantinedWorkspace || closed) return { kind: 'none' } as const
      const stored = deletingStateFromRow(quarantinedWorkspace.row)
      const revision = quarantinedWorkspace.row.revision + 1
      const isFirst = !deletingQuarantined.has(id)
      if (isFirst) {
        deletingQuarantined.add(id)
        const snapshot = createRestoredActor(stagedLogic, id, stored).getSnapshot()
        const line = { ...journalLineOf(null, snapshot, cause), from: 'failed' }
        commits.stage({
          record: { row: workspaceRowOf(snapshot, revision, cause.at), line, final: false },
          payload: { snapshot },
        })
      }
      const failedWrite = await commits.whenCommitted(id)
      if (isFirst) deletingQuarantined.delete(id)
      if (failedWrite) return { kind: 'lost', failedWrite } as const
      if (quarantined.delete(id) && !closed) restoreActor(id, stored, revision, cause.at)
      return { kind: 'begun' } as const
    },

    /** Ends every actor where it is: no event in a workspace's life (law 12). Waits for what is staged. */
    async close() {
      await commits.whenAllCommitted()
      closed = true
      for (const { actor } of live.values()) actor.stop()
    },
  }
}
