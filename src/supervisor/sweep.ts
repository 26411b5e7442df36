import type { Clock } from '../workspace/clock.ts'
import type { Log } from '../workspace/log.ts'

/** What the last run of a sweep did. */
export interface SweepRun {
  readonly startedAt: number
  /** `null` while it runs. */
  readonly durationMs: number | null
  /** What was done or found, counted. */
  readonly counts: Readonly<Record<string, number>>
  /** What failed; the next run retries it. */
  readonly failed: readonly string[]
}

export interface SweepStatus {
  readonly name: string
  /** `null` before the first run. */
  readonly lastRun: SweepRun | null
  /** `null` if unknown. */
  readonly nextAt: number | null
}

/** One task of a sweep. A number that it returns is counted under `countName`. */
export interface SweepTask {
  readonly description: string
  readonly countName?: string
  readonly run: () => unknown
}

export interface SweepDeps {
  readonly clock: Clock
  readonly name: string
  readonly everyMs: number
  readonly tasks: readonly SweepTask[]
  /** Called when a task throws. The others still run. */
  readonly onFailure: (description: string, error: unknown) => void
}

/** Records what each run did, and keeps the last one. */
export function sweepRunRecorder(clock: Clock) {
  let lastRun: SweepRun | null = null
  return {
    lastRun: () => lastRun,
    start() {
      const startedAtMonotonic = clock.monotonic()
      const counts: Record<string, number> = {}
      const failed: string[] = []
      const run = { startedAt: clock.now(), durationMs: null, counts, failed }
      lastRun = run
      return {
        count: (name: string, value: number) => void (counts[name] = value),
        fail: (failure: string) => void failed.push(failure),
        end() {
          if (lastRun === run) lastRun = { ...run, durationMs: clock.monotonic() - startedAtMonotonic }
        },
      }
    },
  }
}

/** Runs all tasks every `everyMs`, first after that time, until `stop()`. A task that fails or hangs does not delay the others. */
export function startSweep({ clock, name, everyMs, tasks, onFailure }: SweepDeps) {
  const recorder = sweepRunRecorder(clock)
  let nextAt = clock.now() + everyMs
  let cancel = clock.timer(everyMs, function tick() {
    void runOnce()
    nextAt = clock.now() + everyMs
    cancel = clock.timer(everyMs, tick)
  })

  async function runOnce() {
    const run = recorder.start()
    await Promise.all(
      tasks.map(async ({ description, countName, run: runTask }) => {
        try {
          const count = await runTask()
          if (countName !== undefined && typeof count === 'number') run.count(countName, count)
        } catch (error) {
          run.fail(description)
          onFailure(description, error)
        }
      }),
    )
    run.end()
  }

  return {
    status: (): SweepStatus => ({ name, lastRun: recorder.lastRun(), nextAt }),
    stop: () => cancel(),
  }
}

/** Lets other work have a turn of the event loop. */
export const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve))

export type Background = ReturnType<typeof backgroundWork>

/** Runs work that no request waits for. A failure is logged and must not end the service: a sweep retries it. */
export function backgroundWork(log: Log) {
  let closed = false

  function logFailure(description: string, error: unknown) {
    if (!closed) log.error({ err: error }, `${description} failed and will be retried`)
  }

  return {
    logFailure,
    run(description: string, work: () => void | Promise<void>) {
      void (async () => work())().catch((error: unknown) => logFailure(description, error))
    },
    /** From now on, failures are not logged: the database closes. */
    close() {
      closed = true
    },
  }
}
