// Follows the journal. Each subscriber has a position and reads from there at its own pace: nothing is buffered for a slow one, and one
// that reconnects continues where it was (law 2).
import type { EventFeedLine, Journal } from '../persistence/journal.ts'
import type { WorkspaceId } from '../workspace/id.ts'

/** Which lines are read: all, one owner's, or one workspace's. */
export interface FeedScope {
  readonly owner?: string
  readonly workspace?: WorkspaceId
}

export interface Subscription {
  /**
   * Returns the next lines, oldest first. After an empty result, `wake` is called when there is more. Throws what the database throws.
   */
  read(): readonly EventFeedLine[]
  close(): void
}

export type EventFeed = ReturnType<typeof eventFeed>

/** Lines read at a time. */
const pageSize = 500

export function eventFeed(journal: Pick<Journal, 'since' | 'newest'>) {
  const subscribers = new Set<() => void>()
  /** The newest lines, read once for all subscribers that are up to date. */
  let latest: { readonly from: number; readonly to: number; readonly lines: readonly EventFeedLine[] } | undefined
  /** `latest` reaches to the end of the journal. */
  let complete = false

  function pageAfter(position: number): readonly EventFeedLine[] {
    if (!latest || position < latest.from || position > latest.to || (position === latest.to && !complete))
      return journal.since(position, pageSize)
    return position === latest.from ? latest.lines : latest.lines.filter(({ seq }) => seq > position)
  }

  return {
    /** The number of the newest line. */
    newest: journal.newest,

    /** Wakes subscribers after a commit. */
    notify() {
      if (subscribers.size === 0) {
        latest = undefined
        return
      }
      const from = latest?.to ?? Math.max(0, journal.newest() - pageSize)
      const lines = journal.since(from, pageSize)
      latest = { from, to: lines.at(-1)?.seq ?? from, lines }
      complete = lines.length < pageSize
      for (const wake of subscribers) wake()
    },

    /** Subscribes to lines after number `after`. Calls `wake` when there may be more, never from within `read`. */
    subscribe({ owner, workspace }: FeedScope, after: number, wake: () => void): Subscription {
      let position = after
      subscribers.add(wake)
      return {
        read() {
          for (;;) {
            const lines = pageAfter(position)
            position = lines.at(-1)?.seq ?? position
            const matching = lines.filter(
              (line) =>
                (owner === undefined || line.owner === owner) &&
                (workspace === undefined || line.workspace === workspace),
            )
            if (matching.length > 0 || lines.length === 0) return matching
          }
        },
        close: () => void subscribers.delete(wake),
      }
    },
  }
}
