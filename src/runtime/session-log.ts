// The durable record of exec and shell sessions: who started what, and how it ended. Changes are written in batches, because each commit
// waits for the disk.
import type { ExecChange, ExecEnding, ExecLog, NewExecRecord, UnfinishedExec } from '../persistence/exec-log.ts'
import type { Clock } from '../workspace/clock.ts'
import type { ProcessExit } from '../workspace/guest-process.ts'
import type { WorkspaceId } from '../workspace/id.ts'
import type { Log } from '../workspace/log.ts'

export interface SessionLogDeps {
  readonly execLog: ExecLog
  readonly clock: Clock
  readonly log: Log
}

export type SessionLog = ReturnType<typeof openSessionLog>

const retryMs = 5000

/** Opens the record until `close()`. Commands that an earlier service did not see the end of are recorded as lost. */
export function openSessionLog({ execLog, clock, log }: SessionLogDeps) {
  const leftoverShells = execLog.unfinished('shell')
  const lostExecs = execLog.unfinished('exec')
  if (lostExecs.length > 0)
    log.warn({ execs: lostExecs.length }, 'commands were running when the service ended; their ends were not seen')
  const lastActiveAt = new Map(execLog.lastActive())
  let pending: { readonly change: ExecChange; readonly settle: (error?: unknown) => void }[] = []
  let isScheduled = false
  let cancelRetry = () => {}
  let closed = false

  function enqueue(change: ExecChange): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (error?: unknown) => (error === undefined ? resolve() : reject(error))
      pending.push({ change, settle })
      if (isScheduled || closed) return
      isScheduled = true
      setImmediate(write) // changes of the same turn share a transaction
    })
  }

  function write() {
    isScheduled = false
    cancelRetry()
    const batch = pending
    if (batch.length === 0) return
    pending = []
    try {
      execLog.write(batch.map(({ change }) => change))
      for (const { settle } of batch) settle()
    } catch (error) {
      // A start can be refused; an end has already happened, so it is written later.
      pending = batch.filter(({ change }) => change.kind !== 'started')
      for (const { change, settle } of batch) if (change.kind === 'started') settle(error)
      log.error({ err: error, sessions: batch.length }, 'exec and shell sessions were not recorded')
      if (pending.length > 0 && !closed) cancelRetry = clock.timer(retryMs, write)
    }
  }

  function recordActivity(workspaceId: WorkspaceId, at: number) {
    lastActiveAt.set(workspaceId, Math.max(at, lastActiveAt.get(workspaceId) ?? 0))
  }

  function recordEnding(workspaceId: WorkspaceId, execId: string, ending: ExecEnding) {
    recordActivity(workspaceId, ending.endedAt)
    void enqueue({ kind: 'ended', workspace: workspaceId, execId, ending })
  }

  // Enqueued like any other end: a database that takes no writes now must not keep the service from starting.
  for (const { workspace, execId } of lostExecs) recordEnding(workspace, execId, lostEnding(clock.now()))

  return {
    find: execLog.find,
    recent: execLog.recent,
    /** Shells that an earlier service left running. No client can return to them. */
    leftoverShells: leftoverShells satisfies readonly UnfinishedExec[],
    /** Settles when the start is on disk. @throws what SQLite throws; nothing is written then. */
    async recordStart(record: NewExecRecord): Promise<void> {
      await enqueue({ kind: 'started', exec: record }) // law 1
      recordActivity(record.workspace, record.startedAt)
    },
    /** Removes the row of a session that did not start, which frees its id. Settles when that is on disk. */
    discard: (workspaceId: WorkspaceId, execId: string): Promise<void> =>
      enqueue({ kind: 'discarded', workspace: workspaceId, execId }),
    recordEnding,
    /** When a session last started or ended in a workspace; `undefined` if none is recorded. */
    lastActiveAt: (workspaceId: WorkspaceId): number | undefined => lastActiveAt.get(workspaceId),
    /** Writes what is pending. Later changes are not written. */
    close(): void {
      closed = true
      write()
    },
  }
}

/** The form in which an end is recorded. */
export function toExecEnding(exit: ProcessExit, endedAt: number): ExecEnding {
  const unset = { endedAt, exitCode: null, signal: null, error: null }
  switch (exit.kind) {
    case 'exited':
      return { ...unset, exitCode: exit.code }
    case 'killed':
      return { ...unset, signal: exit.signal }
    case 'lost':
      return lostEnding(endedAt)
    default:
      return exit satisfies never
  }
}

/** The ending of a session whose end was not observed. */
export function lostEnding(endedAt: number): ExecEnding {
  return { endedAt, exitCode: null, signal: null, error: 'lost' }
}
