// Who ran what, and how it ended: written down in groups, since each commit waits for the disk.
import type { NewExecRecord, ExecLog, ExecChange, ExecEnding } from '../../persistence/exec-log.ts'
import type { WorkspaceId } from '../../workspace/id.ts'
import type { Log } from '../../workspace/log.ts'
import type { ProcessExit } from '../../workspace/guest-process.ts'
import type { ShellRegistry } from '../shell/shells.ts'

export interface ExecRegistryDeps {
  readonly execLog: ExecLog
  readonly now: () => number
  readonly log: Log
}

export type ExecRegistry = ReturnType<typeof openExecRegistry>

const retryMs = 5000

/** Opens the book of runs until `close()`. Commands that the service before left open are lost. */
export function openExecRegistry({ execLog, now, log }: ExecRegistryDeps) {
  const leftoverShells = execLog.unfinished('shell')
  const lostExecs = execLog.unfinished('exec')
  if (lostExecs.length > 0)
    log.warn({ runs: lostExecs.length }, 'runs were going on when the service ended; their ends were not seen')
  const lastActiveAt = new Map(execLog.lastActive())
  let pending: { readonly change: ExecChange; readonly settle: (error?: unknown) => void }[] = []
  let isScheduled = false
  let retryTimer: NodeJS.Timeout | undefined
  let closed = false

  function enqueue(change: ExecChange): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (error?: unknown) => (error === undefined ? resolve() : reject(error))
      pending.push({ change, settle })
      if (isScheduled || closed) return
      isScheduled = true
      setImmediate(write) // what is begun and ended in one turn is one transaction
    })
  }

  function write() {
    isScheduled = false
    const batch = pending
    if (batch.length === 0) return
    pending = []
    try {
      execLog.write(batch.map(({ change }) => change))
      for (const { settle } of batch) settle()
    } catch (error) {
      // A begin can be refused; an end has happened.
      pending = batch.filter(({ change }) => change.kind !== 'started')
      for (const { change, settle } of batch) if (change.kind === 'started') settle(error)
      log.error({ err: error, runs: batch.length }, 'runs were not written down')
      if (pending.length > 0) retryTimer = setTimeout(write, retryMs).unref()
    }
  }

  function recordActivity(workspaceId: WorkspaceId, at: number) {
    lastActiveAt.set(workspaceId, Math.max(at, lastActiveAt.get(workspaceId) ?? 0))
  }

  function recordEnd(workspaceId: WorkspaceId, execId: string, ending: ExecEnding) {
    recordActivity(workspaceId, ending.endedAt)
    void enqueue({ kind: 'ended', workspace: workspaceId, execId, ending })
  }

  // In its turn, as any end: a database that takes no writes now must not keep the service from starting.
  for (const { workspace: workspaceId, execId } of lostExecs)
    recordEnd(workspaceId, execId, toExecEnding({ kind: 'lost', message: '' }, now()))

  const shells: ShellRegistry = {
    async recordStart({ id, workspaceId, owner, by, argv }) {
      const record: NewExecRecord = {
        workspace: workspaceId,
        execId: id,
        kind: 'shell',
        owner,
        by,
        command: JSON.stringify(argv ?? 'shell'),
        fingerprint: '',
        startedAt: now(),
      }
      await enqueue({ kind: 'started', exec: record }) // law 1
      recordActivity(workspaceId, record.startedAt)
    },
    discard: (workspaceId, execId) => void enqueue({ kind: 'discarded', workspace: workspaceId, execId }),
    recordEnd: (workspaceId, id, exit) => recordEnd(workspaceId, id, toExecEnding(exit, now())),
  }

  return {
    find: execLog.find,
    recent: execLog.recent,
    /** Settles when it is on disk. @throws what SQLite throws; it is not written then. */
    async recordStart(record: NewExecRecord): Promise<void> {
      await enqueue({ kind: 'started', exec: record }) // law 1
      recordActivity(record.workspace, record.startedAt)
    },
    /** It never began after all, and its id is free. Settles when that is on disk. */
    discard: (workspaceId: WorkspaceId, execId: string): Promise<void> =>
      enqueue({ kind: 'discarded', workspace: workspaceId, execId }),
    recordEnd,
    shells,
    /** Shells that the service before left open. Nobody holds them: they are to be ended where they run, and then here. */
    leftShells: leftoverShells,
    /** When something was last begun or ended in a workspace; `undefined`: nobody remembers. */
    lastActiveAt: (workspaceId: WorkspaceId): number | undefined => lastActiveAt.get(workspaceId),
    /** Writes what has happened so far; what happens later is not written. */
    close(): void {
      write()
      closed = true
      clearTimeout(retryTimer)
    },
  }
}

/** An end as it is written down. */
export function toExecEnding(exit: ProcessExit, endedAt: number): ExecEnding {
  const unset = { endedAt, exitCode: null, signal: null, error: null }
  switch (exit.kind) {
    case 'exited':
      return { ...unset, exitCode: exit.code }
    case 'killed':
      return { ...unset, signal: exit.signal }
    case 'lost':
      return { ...unset, error: 'lost' }
    default:
      return exit satisfies never
  }
}
