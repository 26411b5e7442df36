// Deletes what is over: expired workspaces, old histories, answers and exec records.
import type { ExecLog } from '../persistence/exec-log.ts'
import type { Journal } from '../persistence/journal.ts'
import type { StoredResponses } from '../persistence/stored-responses.ts'
import type { WorkspaceStore } from '../persistence/workspace-store.ts'
import type { Clock } from '../workspace/clock.ts'
import type { WorkspaceId } from '../workspace/id.ts'
import type { Log } from '../workspace/log.ts'
import type { ActorRegistry } from './actors.ts'
import { idempotencyRetentionMs } from './admission.ts'
import type { Provisioner } from './provisioner.ts'
import type { Reconciler } from './reconcile.ts'
import type { Background, SweepTask } from './sweep.ts'
import { startSweep } from './sweep.ts'

export interface JanitorDeps {
  readonly actors: ActorRegistry
  readonly provisioner: Pick<Provisioner, 'resume'>
  readonly reconcilers: readonly Reconciler[]
  readonly store: Pick<WorkspaceStore, 'due' | 'nextExpiry'>
  readonly journal: Pick<Journal, 'prune'>
  readonly storedResponses: Pick<StoredResponses, 'prune'>
  readonly execLog?: Pick<ExecLog, 'prune'>
  /** Empties the database's write-ahead log. */
  readonly checkpoint: () => void
  readonly clock: Clock
  readonly log: Log
  readonly background: Background
  readonly settings: { readonly janitorIntervalMs: number; readonly journalDays: number }
  /** Called when a sweep starts. */
  readonly onSweep: () => void
}

const dayMs = 24 * 60 * 60_000
/** Histories and exec records deleted in one sweep. */
const maxPrunedHistories = 100
const maxPrunedExecs = 1000

/** Expires workspaces in time, and sweeps up the rest. */
export function startJanitor(deps: JanitorDeps) {
  const { actors, provisioner, store, clock, log, background, settings } = deps
  const by = 'system:expiry'
  const expirations = expiryScheduler({
    store,
    clock,
    log,
    expire(id, at) {
      if (actors.send(id, { type: 'expire', at, by })) return
      background.run('an expiry', async () => {
        const deletion = await actors.deleteQuarantined(id, { event: 'expire', at, by })
        if (deletion.kind === 'deleting') provisioner.resume(id)
      })
    },
  })
  actors.onCommitted((transitions) => {
    for (const { before, after } of transitions) {
      const { expiresAt } = after.context
      if (expiresAt !== null && expiresAt !== before?.context.expiresAt) expirations.schedule(expiresAt)
    }
  })
  const sweep = startSweep({
    clock,
    name: 'janitor',
    everyMs: settings.janitorIntervalMs,
    tasks: [
      { description: 'counting a sweep', run: deps.onSweep },
      { description: 'expiring workspaces', countName: 'expired', run: expirations.sweep },
      ...deps.reconcilers.map(({ reconcileAll }) => ({ description: 'a reconciliation', run: reconcileAll })),
      ...pruningTasks(deps),
      { description: 'a checkpoint', run: deps.checkpoint },
    ],
    onFailure: background.logFailure,
  })
  return {
    expire: expirations.sweep,
    expiryPausedUntil: expirations.pausedUntil,
    status: sweep.status,
    close() {
      sweep.stop()
      expirations.close()
    },
  }
}

function pruningTasks({ clock, journal, storedResponses, execLog, settings }: JanitorDeps): readonly SweepTask[] {
  const journalStart = () => clock.now() - settings.journalDays * dayMs
  return [
    {
      description: 'pruning stored responses',
      countName: 'answers_forgotten',
      run: () => storedResponses.prune(clock.now() - idempotencyRetentionMs),
    },
    {
      description: 'pruning old histories',
      countName: 'lines_forgotten',
      run: () => journal.prune(journalStart(), maxPrunedHistories),
    },
    {
      description: 'pruning old exec records',
      countName: 'runs_forgotten',
      run: () => execLog?.prune(journalStart(), maxPrunedExecs),
    },
  ]
}

// Expiry is one column, one index, and one timer for the earliest deadline (law 6).

const longestSleepMs = 60_000
const clockJumpMs = 60_000
const jumpPauseMs = 5 * 60_000
/** A due workspace stays due in the store until its deletion is on disk: check again after this, and less often if nothing changes. */
const minRecheckMs = 50
const maxRecheckMs = 5000
/** Workspaces expired at a time, so that a great many do not delay other work. */
const batchSize = 200

export interface ExpiryScheduler {
  /** Expires what is due now and returns how many. */
  sweep(): number
  /** Returns until when nothing expires because the clock jumped; `null` if it did not. */
  pausedUntil(): number | null
  /** Makes sure that the timer fires at `at` or earlier. */
  schedule(at: number): void
  close(): void
}

export interface ExpirySchedulerDeps {
  readonly store: Pick<WorkspaceStore, 'due' | 'nextExpiry'>
  readonly clock: Clock
  readonly log: Log
  readonly expire: (id: WorkspaceId, at: number) => void
}

/**
 * Expires workspaces in time. After the wall clock jumps forward by more than a minute, nothing expires for five minutes: the jump may be
 * a mistake.
 */
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
        { jumpedMs: Math.round(jumped), pauseMs: jumpPauseMs },
        'the clock jumped forward: nothing expires for five minutes. If the clock is wrong, correct it now.',
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
      log.error({ err: error }, 'expired workspaces cannot be read; this is retried')
      arm(at + maxRecheckMs)
      return 0
    }
  }

  /** Expires what is due. Returns how many, and when to check again. */
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
