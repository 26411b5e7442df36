// Expiry is one column, one index and one timer for the earliest deadline (law 6).
import type { WorkspaceStore } from '../persistence/workspace-store.ts'
import type { WorkspaceId } from '../workspace/id.ts'
import type { Log } from '../workspace/log.ts'
import type { Clock } from '../workspace/clock.ts'

const longestSleepMs = 60_000
const clockJumpMs = 60_000
const jumpPauseMs = 5 * 60_000
/** What is due is still so in the store until its step is on disk: look again so much later, and less often if nothing moves. */
const minRecheckMs = 50
const maxRecheckMs = 5000
/** So many at a time, so that a great many that expire together do not hold up everybody else. */
const batchSize = 200

export interface ExpiryScheduler {
  /** Looks for what has expired, now; answers how many were told so. */
  sweep(): number
  /** Until when nothing expires, because the clock has jumped; `null` if it has not. */
  pausedUntil(): number | null
  /** A workspace is committed to expire at `at`: wakes up for it in time. */
  schedule(at: number): void
  close(): void
}

export interface ExpirySchedulerDeps {
  readonly store: Pick<WorkspaceStore, 'due' | 'nextExpiry'>
  readonly clock: Clock
  readonly log: Log
  readonly expire: (id: WorkspaceId, at: number) => void
}

/** Drives expiry. After the wall clock jumped forward by more than a minute, it waits five minutes: it may have jumped by mistake. */
export function expiryScheduler({ store, clock, log, expire }: ExpirySchedulerDeps): ExpiryScheduler {
  let last = { wall: clock.now(), monotonic: clock.monotonic() }
  let pausedUntilMonotonic = -Infinity // on the monotonic clock
  let wakeAt = Infinity // on the wall clock
  let stuck: { readonly id: WorkspaceId | undefined; readonly recheckMs: number } | undefined
  let cancel = () => {}
  let closed = false

  function arm(at: number) {
    if (closed) return
    cancel()
    wakeAt = at
    cancel = clock.timer(Math.max(0, at - clock.now()), sweep)
  }

  function isPaused(): boolean {
    const now = { wall: clock.now(), monotonic: clock.monotonic() }
    const jumped = now.wall - last.wall - (now.monotonic - last.monotonic)
    last = now
    if (jumped > clockJumpMs) {
      pausedUntilMonotonic = now.monotonic + jumpPauseMs
      log.warn(
        { jumpedMs: Math.round(jumped), holdMs: jumpPauseMs },
        'the clock jumped forward: nothing expires for five minutes; set the clock right if it is wrong',
      )
    }
    return now.monotonic < pausedUntilMonotonic
  }

  function sweep() {
    if (closed) return 0
    const at = clock.now()
    try {
      const { nextCheckAt, expired } = expireDue(at)
      arm(at + Math.min(longestSleepMs, Math.max(0, nextCheckAt - at)))
      return expired
    } catch (error) {
      log.error({ err: error }, 'what has expired cannot be read, which is tried again')
      arm(at + maxRecheckMs)
      return 0
    }
  }

  /** Expires what is due. Answers how many, and when to look again. */
  function expireDue(at: number): { nextCheckAt: number; expired: number } {
    if (isPaused()) return { nextCheckAt: at + pausedUntilMonotonic - clock.monotonic(), expired: 0 }
    const due = store.due(at, batchSize)
    for (const id of due) expire(id, at)
    if (due.length === 0) {
      stuck = undefined
      return { nextCheckAt: store.nextExpiry() ?? Infinity, expired: 0 }
    }
    const repeated = stuck?.id === due[0] && stuck
    stuck = { id: due[0], recheckMs: repeated ? Math.min(2 * repeated.recheckMs, maxRecheckMs) : minRecheckMs }
    return { nextCheckAt: at + stuck.recheckMs, expired: due.length }
  }

  return {
    sweep,
    pausedUntil() {
      const remainingMs = pausedUntilMonotonic - clock.monotonic()
      return remainingMs > 0 ? clock.now() + remainingMs : null
    },
    schedule(at) {
      if (at < wakeAt) arm(at)
    },
    close() {
      closed = true
      cancel()
    },
  }
}
