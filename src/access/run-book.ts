// Who ran what, and how it ended: written down in groups, since each commit waits for the disk.
import type { BegunRun, ExecLog, RunChange, RunEnding } from '../persistence/exec-log.ts'
import type { WorkspaceId } from '../workspace/id.ts'
import type { Log } from '../workspace/log.ts'
import type { RunEnd } from '../workspace/run.ts'
import type { ShellBook } from './shells.ts'

export interface RunBookDeps {
  readonly runs: ExecLog
  readonly now: () => number
  readonly log: Log
}

export type RunBook = ReturnType<typeof openRunBook>

const retryMs = 5000

/** Opens the book of runs until `close()`. Commands that the service before left open are lost. */
export function openRunBook({ runs, now, log }: RunBookDeps) {
  const leftShells = runs.left('shell')
  const lost = runs.left('exec')
  if (lost.length > 0)
    log.warn({ runs: lost.length }, 'runs were going on when the service ended; their ends were not seen')
  const active = new Map(runs.lastActive())
  let waiting: { readonly change: RunChange; readonly done: (error?: unknown) => void }[] = []
  let due = false
  let again: NodeJS.Timeout | undefined
  let closed = false

  function add(change: RunChange): Promise<void> {
    return new Promise((resolve, reject) => {
      const done = (error?: unknown) => (error === undefined ? resolve() : reject(error))
      waiting.push({ change, done })
      if (due || closed) return
      due = true
      setImmediate(write) // what is begun and ended in one turn is one transaction
    })
  }

  function write() {
    due = false
    const group = waiting
    if (group.length === 0) return
    waiting = []
    try {
      runs.write(group.map(({ change }) => change))
      for (const { done } of group) done()
    } catch (error) {
      // A begin can be refused; an end has happened.
      waiting = group.filter(({ change }) => change.kind !== 'begun')
      for (const { change, done } of group) if (change.kind === 'begun') done(error)
      log.error({ err: error, runs: group.length }, 'runs were not written down')
      if (waiting.length > 0) again = setTimeout(write, retryMs).unref()
    }
  }

  function happened(workspace: WorkspaceId, at: number) {
    active.set(workspace, Math.max(at, active.get(workspace) ?? 0))
  }

  function ended(workspace: WorkspaceId, execId: string, ending: RunEnding) {
    happened(workspace, ending.endedAt)
    void add({ kind: 'ended', workspace, execId, ending })
  }

  // In its turn, as any end: a database that takes no writes now must not keep the service from starting.
  for (const { workspace, execId } of lost) ended(workspace, execId, endingOf({ kind: 'lost', message: '' }, now()))

  const shells: ShellBook = {
    async began({ id, workspace, owner, by, argv }) {
      const run: BegunRun = {
        workspace,
        execId: id,
        kind: 'shell',
        owner,
        by,
        command: JSON.stringify(argv ?? 'shell'),
        fingerprint: '',
        startedAt: now(),
      }
      await add({ kind: 'begun', run }) // law 1
      happened(workspace, run.startedAt)
    },
    unbegun: (workspace, execId) => void add({ kind: 'unbegun', workspace, execId }),
    ended: (workspace, id, end) => ended(workspace, id, endingOf(end, now())),
  }

  return {
    find: runs.find,
    recent: runs.recent,
    /** Settles when it is on disk. @throws what SQLite throws; it is not written then. */
    async begun(run: BegunRun): Promise<void> {
      await add({ kind: 'begun', run }) // law 1
      happened(run.workspace, run.startedAt)
    },
    /** It never began after all, and its id is free. Settles when that is on disk. */
    unbegun: (workspace: WorkspaceId, execId: string): Promise<void> => add({ kind: 'unbegun', workspace, execId }),
    ended,
    shells,
    /** Shells that the service before left open. Nobody holds them: they are to be ended where they run, and then here. */
    leftShells,
    /** When something was last begun or ended in a workspace; `undefined`: nobody remembers. */
    lastActive: (workspace: WorkspaceId): number | undefined => active.get(workspace),
    /** Writes what has happened so far; what happens later is not written. */
    close(): void {
      write()
      closed = true
      clearTimeout(again)
    },
  }
}

/** An end as it is written down. */
export function endingOf(end: RunEnd, endedAt: number): RunEnding {
  const nothing = { endedAt, exitCode: null, signal: null, error: null }
  switch (end.kind) {
    case 'exited':
      return { ...nothing, exitCode: end.code }
    case 'killed':
      return { ...nothing, signal: end.signal }
    case 'lost':
      return { ...nothing, error: 'lost' }
    default:
      return end satisfies never
  }
}
