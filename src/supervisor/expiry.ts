// Expiry is one column, one index and one timer for the earliest deadline (law 6).
import type { WorkspaceStore } from '../persistence/workspace-store.ts'
import type { WorkspaceId } from '../workspace/id.ts'
import type { Log } from '../workspace/log.ts'
import type { Clock } from './clock.ts'

const longestSleepMs = 60_000
const jumpMs = 60_000
const holdMs = 5 * 60_000
/** What is due is still so in the store until its step is on disk: look again so much later, and less often if nothing moves. */
const shortestPauseMs = 50
const longestPauseMs = 5000
/** So many at a time, so that a great many that expire together do not hold up everybody else. */
const batch = 200

export interface Expiry {
  /** Looks for what has expired, now; answers how many were told so. */
  sweep(): number
  /** Until when nothing expires, because the clock has jumped; `null` if it has not. */
  heldUntil(): number | null
  /** A workspace is committed to expire at `at`: wakes up for it in time. */
  note(at: number): void
  close(): void
}

export interface ExpiryDeps {
  readonly store: Pick<WorkspaceStore, 'due' | 'nextExpiry'>
  readonly clock: Clock
  readonly log: Log
  readonly expire: (id: WorkspaceId, at: number) => void
}

/** Drives expiry. After the wall clock jumped forward by more than a minute, it waits five minutes: it may have jumped by mistake. */
export function expiry({ store, clock, log, expire }: ExpiryDeps): Expiry {
  let last = { wall: clock.now(), monotonic: clock.monotonic() }
  let heldUntil = -Infinity // on the monotonic clock
  let wakeAt = Infinity // on the wall clock
  let stuck: { readonly id: WorkspaceId | undefined; readonly pauseMs: number } | undefined
  let cancel = () => {}
  let closed = false

  function arm(at: number) {
    if (closed) return
    cancel()
    wakeAt = at
    cancel = clock.timer(Math.max(0, at - clock.now()), sweep)
  }

  function held(): boolean {
    const now = { wall: clock.now(), monotonic: clock.monotonic() }
    const jumped = now.wall - last.wall - (now.monotonic - last.monotonic)
    last = now
    if (jumped > jumpMs) {
      heldUntil = now.monotonic + holdMs
      log.warn(
        { jumpedMs: Math.round(jumped), holdMs },
        'the clock jumped forward: nothing expires for five minutes; set the clock right if it is wrong',
      )
    }
    return now.monotonic < heldUntil
  }

  function sweep() {
    if (closed) return 0
    const at = clock.now()
    try {
      const { again, expired } = look(at)
      arm(at + Math.min(longestSleepMs, Math.max(0, again - at)))
      return expired
    } catch (error) {
      log.error({ err: error }, 'what has expired cannot be read, which is tried again')
      arm(at + longestPauseMs)
      return 0
    }
  }

  /** Expires what is due. Answers how many, and when to look again. */
  function look(at: number): { again: number; expired: number } {
    if (held()) return { again: at + heldUntil - clock.monotonic(), expired: 0 }
    const due = store.due(at, batch)
    for (const id of due) expire(id, at)
    if (due.length === 0) {
      stuck = undefined
      return { again: store.nextExpiry() ?? Infinity, expired: 0 }
    }
    const same = stuck?.id === due[0] && stuck
    stuck = { id: due[0], pauseMs: same ? Math.min(2 * same.pauseMs, longestPauseMs) : shortestPauseMs }
    return { again: at + stuck.pauseMs, expired: due.length }
  }

  return {
    sweep,
    heldUntil() {
      const left = heldUntil - clock.monotonic()
      return left > 0 ? clock.now() + left : null
    },
    note(at) {
      if (at < wakeAt) arm(at)
    },
    close() {
      closed = true
      cancel()
    },
  }
}
