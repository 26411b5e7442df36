import type { Clock } from '../workspace/clock.ts'

/** What came of the last run of something that comes round again by itself. */
export interface SweepRun {
  readonly startedAt: number
  /** `null`: it is under way. */
  readonly durationMs: number | null
  /** What was done or found, counted. */
  readonly counts: Readonly<Record<string, number>>
  /** What of it did not succeed, and comes round again. */
  readonly failed: readonly string[]
}

export interface SweepStatus {
  readonly name: string
  /** `null`: it has not run yet. */
  readonly lastRun: SweepRun | null
  /** `null`: nobody knows. */
  readonly nextAt: number | null
}

/** One thing that a sweep does. A number that it answers is counted under the name. */
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
  /** Told of a part that threw. The others go on. */
  readonly onFailure: (description: string, error: unknown) => void
}

/** Remembers the last run of something. */
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

/** Does all `parts` every so often, the first time after that time, until it is ended. A part that fails or hangs holds up no other. */
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
