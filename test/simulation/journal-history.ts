import type { TransitionRecord } from '../../src/persistence/workspace-row.ts'
import type { WorkspaceId } from '../../src/workspace/id.ts'
import type { LedgerWorkspace, Ledger } from './ledger.ts'
import type { SimulationDatabase, StoredJournalLine } from './simulation-database.ts'

/** A journal line, and when it was read, on the monotonic clock. */
export interface TimedJournalLine extends StoredJournalLine {
  readonly moment: number
}

/** The history of a workspace on disk. */
export interface WorkspaceHistory {
  readonly workspace: LedgerWorkspace
  readonly lines: TimedJournalLine[]
  /** Revision of the newest transition on disk. A progress update has no line. */
  revision: number
}

export interface JournalHistory {
  readonly workspaces: ReadonlyMap<WorkspaceId, WorkspaceHistory>
  /** Records transitions that the store has committed. */
  recordCommitted(transitions: readonly TransitionRecord[]): void
  /** Number of committed batches. */
  commitCount(): number
  /** Reads the new lines of the journal and returns violations. */
  readNew(): readonly string[]
}

export interface JournalHistoryDeps {
  readonly disk: SimulationDatabase
  readonly ledger: Ledger
  readonly monotonic: () => number
  readonly log: (line: string) => void
}

/** Follows the journal and checks that the lines of each workspace connect without a gap. */
export function journalHistory({ disk, ledger, monotonic, log }: JournalHistoryDeps): JournalHistory {
  const workspaces = new Map<WorkspaceId, WorkspaceHistory>()
  const progressRevisions = new Map<WorkspaceId, Set<number>>()
  let lastSeq = 0
  let commitCount = 0

  function append(line: TimedJournalLine): readonly string[] {
    const { workspace, owner, at, event, from, to, revision, moment } = line
    const existing = workspaces.get(workspace)
    const knownWorkspace = existing?.workspace ?? ledger.recordCreated(workspace, owner, at, moment)
    const history = existing ?? { workspace: knownWorkspace, lines: [], revision: 0 }
    workspaces.set(workspace, history)
    const previous = history.lines.at(-1)
    history.lines.push(line)
    log(
      `${knownWorkspace.label} ${from ?? '·'} → ${to} (${event} by ${line.by})${line.reason === null ? '' : `: ${line.reason}`}`,
    )
    const violations: string[] = []
    const report = (message: string) =>
      violations.push(`law 2: the journal of ${knownWorkspace.label}, revision ${revision}: ${message}`)
    if ((previous?.to ?? null) !== from) report(`continues from ${from} after ${previous?.to}`)
    if (previous?.to === 'deleted') report('continues after its end')
    for (let gap = history.revision + 1; gap < revision; gap += 1)
      if (progressRevisions.get(workspace)?.has(gap) !== true) report(`revision ${gap} is missing`)
    if (revision <= history.revision) report(`comes after revision ${history.revision}`)
    if (previous && !previous.by.startsWith('user:') && previous.event === event && event === 'expire')
      report('the workspace expires twice')
    history.revision = revision
    return violations
  }

  return {
    workspaces,
    commitCount: () => commitCount,
    recordCommitted(transitions) {
      commitCount += 1
      for (const { row, line } of transitions) {
        if (line) continue
        const revisions = progressRevisions.get(row.id) ?? new Set()
        progressRevisions.set(row.id, revisions.add(row.revision))
      }
    },
    readNew() {
      const lines = disk.lines(lastSeq)
      lastSeq = lines.at(-1)?.seq ?? lastSeq
      const moment = monotonic()
      return lines.flatMap((line) => append({ ...line, moment }))
    },
  }
}
