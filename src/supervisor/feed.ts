// The feed of what is committed, in the order of the journal. A follower has a place in the journal and reads on from there at its own
// pace: nothing is kept for one that is slow, and one that comes again goes on where it was (law 2).
import type { FeedLine, Journal } from '../persistence/journal.ts'
import type { WorkspaceId } from '../workspace/id.ts'

/** Whose lines are read: all, one owner's, or one workspace's. */
export interface Scope {
  readonly owner?: string
  readonly workspace?: WorkspaceId
}

export interface Following {
  /**
   * The next lines, oldest first; none when it has read all that there is, and then `wake` is called when there is more. Throws what the
   * database throws.
   */
  read(): readonly FeedLine[]
  close(): void
}

export type Feed = ReturnType<typeof feed>

/** So many lines are read at a time. */
const page = 500

export function feed(journal: Pick<Journal, 'since' | 'newest'>) {
  const followers = new Set<() => void>()
  /** What was committed last, read once for all who are that far. */
  let latest: { readonly from: number; readonly to: number; readonly lines: readonly FeedLine[] } | undefined
  /** There is nothing after it. */
  let complete = false

  function pageAfter(place: number): readonly FeedLine[] {
    if (!latest || place < latest.from || place > latest.to || (place === latest.to && !complete))
      return journal.since(place, page)
    return place === latest.from ? latest.lines : latest.lines.filter(({ seq }) => seq > place)
  }

  return {
    /** The number of the newest line. */
    newest: journal.newest,

    /** Something was committed. */
    told() {
      if (followers.size === 0) {
        latest = undefined
        return
      }
      const from = latest?.to ?? Math.max(0, journal.newest() - page)
      const lines = journal.since(from, page)
      latest = { from, to: lines.at(-1)?.seq ?? from, lines }
      complete = lines.length < page
      for (const wake of followers) wake()
    },

    /** Reads what comes after line number `after`. `wake` is called, not from within `read`, when there may be more. */
    follow({ owner, workspace }: Scope, after: number, wake: () => void): Following {
      let place = after
      followers.add(wake)
      return {
        read() {
          for (;;) {
            const lines = pageAfter(place)
            place = lines.at(-1)?.seq ?? place
            const own = lines.filter(
              (line) =>
                (owner === undefined || line.owner === owner) &&
                (workspace === undefined || line.workspace === workspace),
            )
            if (own.length > 0 || lines.length === 0) return own
          }
        },
        close: () => void followers.delete(wake),
      }
    },
  }
}
