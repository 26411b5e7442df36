// Who is alive: one actor per stored workspace, each with the snapshot that is on disk. Start-up, reading ahead of it, and putting an
// actor back after a lost step are the same function, `revive`.
import { createActor } from 'xstate'
import type { Actor } from 'xstate'
import type { WorkspaceEvent } from '../machines/workspace-event.ts'
import type { WorkspaceRequest } from '../machines/workspace-context.ts'
import type { WorkspaceSnapshot } from '../machines/workspace-view.ts'
import { statusOf } from '../machines/workspace-view.ts'
import type { KeptAnswer, StoredRow } from '../persistence/workspace-row.ts'
import type { Loss, Mark, WorkspaceStore } from '../persistence/workspace-store.ts'
import type { WorkspaceId } from '../workspace/id.ts'
import type { Log } from '../workspace/log.ts'
import type { WorkspaceLogic } from './durable.ts'
import { durable, restoredActor } from './durable.ts'
import type { Aside, Committed, Live } from './live.ts'
import { logLost } from './lost.ts'
import { deletingFrom } from './set-aside.ts'
import type { Cause } from './step-record.ts'
import { causeOf, lineOf, rowOf } from './step-record.ts'
import type { Steps } from './steps.ts'
import { groupSteps } from './steps.ts'
import { readStored } from './stored.ts'

export interface PopulationDeps {
  readonly store: WorkspaceStore
  readonly logic: WorkspaceLogic
  readonly log: Log
  readonly now: () => number
  /** Told of every step that is on disk, and once per group with `calm: false` if none of it is. */
  readonly committed: (steps: readonly Committed[], calm: boolean) => void
  /** Told of an actor that is alive but not yet told to go on with what it was doing. */
  readonly interrupted: (id: WorkspaceId) => void
  readonly soon?: (run: () => void) => void
}

export type Population = ReturnType<typeof population>

interface Carried {
  readonly snapshot: WorkspaceSnapshot
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

export function population({ store, logic, log, now, committed, interrupted, soon }: PopulationDeps) {
  const live = new Map<WorkspaceId, Mutable<Live>>()
  const aside = new Map<WorkspaceId, Aside>()
  const leaving = new Set<WorkspaceId>()
  const steps: Steps<Carried> = groupSteps(store.keep, settle, soon)
  let commit = 0
  let whole = false
  let closed = false

  const staging = durable(logic, (scope, before, after, event) => {
    const id = scope as WorkspaceId // createActor was given it as the actor's id
    const it = live.get(id)
    if (!it || closed) return
    it.staged += 1
    const cause = causeOf(event, now())
    // How far a download has come is shown, and is no part of a workspace's history.
    const line = event.type === 'progress' ? null : lineOf(before, after, cause)
    const row = rowOf(after, it.staged, cause.at)
    steps.stage({ written: { row, line, final: after.status === 'done' }, carried: { snapshot: after } })
  })

  function settle(
    written: Parameters<Parameters<typeof groupSteps<Carried>>[1]>[0],
    lost: ReadonlyMap<WorkspaceId, Loss>,
  ) {
    commit += 1
    const done: Committed[] = []
    for (const { written: step, carried } of written) {
      const { id, revision, updatedAt } = step.row
      const loss = lost.get(id)
      const it = live.get(id)
      if (!it || (loss && loss.revision <= revision)) continue
      done.push({ id, before: it.committed, after: carried.snapshot, line: step.line })
      Object.assign(it, { committed: carried.snapshot, revision, updatedAt, commit })
      if (step.final) live.delete(id)
    }
    logLost(lost, log)
    for (const id of lost.keys()) putBack(id)
    // One step that is refused says nothing about the disk.
    committed(done, lost.size === 0 || written.some(({ written: step }) => !lost.has(step.row.id)))
  }

  function adopt(
    id: WorkspaceId,
    actor: Actor<WorkspaceLogic>,
    snapshot: WorkspaceSnapshot,
    revision: number,
    updatedAt: number,
  ) {
    live.set(id, { actor, committed: snapshot, revision, staged: revision, updatedAt, commit })
    actor.subscribe({
      error: (bug) => {
        log.error({ err: bug, workspace: id }, 'an actor failed: this is a bug in vm-api; the workspace is put back')
        // What it has decided in this turn is still to be written, and is what it is put back to.
        void steps.onDisk(id).then(() => live.get(id)?.actor === actor && putBack(id))
      },
    })
    actor.start()
  }

  /** Brings an actor to life where it was. Throws what is wrong with the snapshot, before anything has started. */
  function revive(id: WorkspaceId, stored: { value: unknown; context: object }, revision: number, updatedAt: number) {
    const actor = restoredActor(staging, id, stored)
    const snapshot = actor.getSnapshot()
    if (snapshot.status === 'error') throw snapshot.error
    adopt(id, actor, snapshot, revision, updatedAt)
    if (snapshot.hasTag('busy')) interrupted(id)
  }

  // No resume here: the sweep does that. On a full disk it would be a hot loop.
  function putBack(id: WorkspaceId) {
    const it = live.get(id)
    if (!it || closed) return
    it.actor.stop()
    revive(id, { value: it.committed.value, context: it.committed.context }, it.revision, it.updatedAt)
  }

  /** Brings a row to life or sets it aside. Answers what is to be marked in the row, if anything is. */
  function restore(row: StoredRow): Mark | undefined {
    const { id, revision, updatedAt } = row
    try {
      const stored = readStored(row)
      revive(id, stored, revision, updatedAt)
      const status = live.get(id)?.committed.value
      return row.unreadable === null || !status ? undefined : { id, status: statusOf(status), unreadable: null }
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      const deleting = row.status === 'deleting'
      log.error(
        { err: error, workspace: id },
        deleting
          ? 'a workspace that is being deleted cannot be read: it goes on by what its row says'
          : 'a workspace cannot be read and is set aside: it can only be deleted',
      )
      if (deleting) {
        revive(id, deletingFrom(row), revision, updatedAt) // law 4: it gets there all the same
        return undefined
      }
      aside.set(id, { row, why })
      return row.unreadable === why ? undefined : { id, status: 'failed', unreadable: why }
    }
  }

  function restoreAll(rows: readonly StoredRow[]) {
    const marks = rows.flatMap((row) => (live.has(row.id) || aside.has(row.id) ? [] : (restore(row) ?? [])))
    if (marks.length === 0) return
    try {
      store.mark(marks)
    } catch (error) {
      log.error(
        { err: error, rows: marks.length },
        'rows could not be marked as readable or not: the next start does it',
      )
    }
  }

  /** The workspace, alive; brought to life on the way if its turn has not come yet. */
  function find(id: WorkspaceId): Live | undefined {
    // Once all are here nobody is looked for in the database: that took longer for an id that does not exist than for another owner's (law 11).
    if (!whole && !live.has(id) && !aside.has(id)) {
      const row = store.byId(id)
      if (row) restoreAll([row])
    }
    return live.get(id)
  }

  return {
    find,
    /** Those that are alive, in no order. */
    all: (): ReadonlyMap<WorkspaceId, Live> => live,
    aside: (id: WorkspaceId): Aside | undefined => aside.get(id),
    /** How many are set aside. */
    unreadable: () => aside.size,
    /** The number of the last commit. */
    commits: () => commit,
    onDisk: steps.onDisk,

    /** Brings stored rows to life that are not yet. */
    rehydrate: restoreAll,
    /** Every stored row was brought to life: who is not here does not exist. */
    rehydrated() {
      whole = true
    },

    /** Makes a workspace. The actor is not started before its row is on disk; answers the loss if that fails. */
    async create(request: WorkspaceRequest, by: string, kept?: (snapshot: WorkspaceSnapshot) => KeptAnswer) {
      const actor = createActor(staging, { id: request.id, input: request })
      const snapshot = actor.getSnapshot()
      const line = lineOf(null, snapshot, { event: request.adopts ? 'adopt' : 'create', at: request.at, by })
      const row = rowOf(snapshot, 1, request.at)
      steps.stage({
        written: { row, line, final: false, ...(kept && { kept: kept(snapshot) }) },
        carried: { snapshot },
      })
      const loss = await steps.onDisk(request.id)
      if (loss) return { kind: 'lost', loss } as const
      if (!closed && !live.has(request.id)) {
        adopt(request.id, actor, snapshot, 1, request.at)
        committed([{ id: request.id, before: null, after: snapshot, line }], true)
      }
      return { kind: 'made', snapshot } as const
    },

    /** Sends an event. False if the workspace does not live, or does not take it now; nothing has happened then. */
    send(id: WorkspaceId, event: WorkspaceEvent): boolean {
      const it = find(id)
      if (!it || closed) return false
      const snapshot = it.actor.getSnapshot()
      if (snapshot.status !== 'active' || !snapshot.can(event)) return false
      it.actor.send(event)
      return true
    },

    /**
     * Begins to delete a workspace whose record cannot be read. It stays set aside until that is on disk; then `interrupted` is told
     * of it. May be repeated.
     */
    async deleteAside(id: WorkspaceId, cause: Cause) {
      const it = aside.get(id)
      if (!it || closed) return { kind: 'none' } as const
      const stored = deletingFrom(it.row)
      const revision = it.row.revision + 1
      const first = !leaving.has(id)
      if (first) {
        leaving.add(id)
        const snapshot = restoredActor(staging, id, stored).getSnapshot()
        const line = { ...lineOf(null, snapshot, cause), from: 'failed' }
        steps.stage({
          written: { row: rowOf(snapshot, revision, cause.at), line, final: false },
          carried: { snapshot },
        })
      }
      const loss = await steps.onDisk(id)
      if (first) leaving.delete(id)
      if (loss) return { kind: 'lost', loss } as const
      if (aside.delete(id) && !closed) revive(id, stored, revision, cause.at)
      return { kind: 'begun' } as const
    },

    /** Ends every actor where it is: no event in a workspace's life (law 12). Waits for what is staged. */
    async close() {
      await steps.settled()
      closed = true
      for (const { actor } of live.values()) actor.stop()
    },
  }
}
