import type { WrittenStep } from '../../src/persistence/workspace-row.ts'
import type { WorkspaceId } from '../../src/workspace/id.ts'
import type { Known, Ledger } from './ledger.ts'
import type { WorldDisk, Written } from './world-disk.ts'

/** A line, and when it was read, on the clock that never jumps. */
export interface Line extends Written {
  readonly moment: number
}

/** One workspace's life so far, as the disk tells it. */
export interface Life {
  readonly known: Known
  readonly lines: Line[]
  /** Of the newest step on disk; one that tells of progress only has no line. */
  revision: number
}

export interface History {
  readonly lives: ReadonlyMap<WorkspaceId, Life>
  /** Told of every step that the store has taken. */
  kept(steps: readonly WrittenStep[]): void
  /** How many groups the store has taken. */
  keeps(): number
  /** Reads what is new in the journal. Answers what is wrong with it. */
  follow(): readonly string[]
}

export interface HistoryDeps {
  readonly disk: WorldDisk
  readonly ledger: Ledger
  readonly monotonic: () => number
  readonly say: (line: string) => void
}

/** Follows the journal: one line after the other for each workspace, from where the one before it went, without a gap. */
export function follow({ disk, ledger, monotonic, say }: HistoryDeps): History {
  const lives = new Map<WorkspaceId, Life>()
  const silent = new Map<WorkspaceId, Set<number>>()
  let last = 0
  let keeps = 0

  function append(line: Line): readonly string[] {
    const { workspace, owner, at, event, from, to, revision, moment } = line
    const before = lives.get(workspace)
    const known = before?.known ?? ledger.born(workspace, owner, at, moment)
    const life = before ?? { known, lines: [], revision: 0 }
    lives.set(workspace, life)
    const previous = life.lines.at(-1)
    life.lines.push(line)
    say(
      `${known.label} ${from ?? '·'} → ${to} (${event} by ${line.by})${line.reason === null ? '' : `: ${line.reason}`}`,
    )
    const wrong: string[] = []
    const tell = (what: string) => wrong.push(`law 2: the journal of ${known.label}, revision ${revision}: ${what}`)
    if ((previous?.to ?? null) !== from) tell(`goes on from ${from} after ${previous?.to}`)
    if (previous?.to === 'deleted') tell(`goes on after its end`)
    for (let gap = life.revision + 1; gap < revision; gap += 1)
      if (silent.get(workspace)?.has(gap) !== true) tell(`revision ${gap} is missing`)
    if (revision <= life.revision) tell(`comes after revision ${life.revision}`)
    if (previous && !previous.by.startsWith('user:') && previous.event === event && event === 'expire')
      tell('it expires twice')
    life.revision = revision
    return wrong
  }

  return {
    lives,
    keeps: () => keeps,
    kept(steps) {
      keeps += 1
      for (const { row, line } of steps) {
        if (line) continue
        const before = silent.get(row.id) ?? new Set()
        silent.set(row.id, before.add(row.revision))
      }
    },
    follow() {
      const lines = disk.lines(last)
      last = lines.at(-1)?.seq ?? last
      const moment = monotonic()
      return lines.flatMap((line) => append({ ...line, moment }))
    },
  }
}
