import type { Clock } from './clock.ts'

/** What came of the last run of something that comes round again by itself. */
export interface Run {
  readonly beganAt: number
  /** `null`: it is under way. */
  readonly tookMs: number | null
  /** What was done or found, counted. */
  readonly counts: Readonly<Record<string, number>>
  /** What of it did not succeed, and comes round again. */
  readonly failed: readonly string[]
}

export interface Swept {
  readonly name: string
  /** `null`: it has not run yet. */
  readonly last: Run | null
  /** `null`: nobody knows. */
  readonly nextAt: number | null
}

/** One thing that a sweep does. A number that it answers is counted under the name. */
export interface Part {
  readonly what: string
  readonly counts?: string
  readonly run: () => unknown
}

export interface SweepDeps {
  readonly clock: Clock
  readonly name: string
  readonly everyMs: number
  readonly parts: readonly Part[]
  /** Told of a part that threw. The others go on. */
  readonly failed: (what: string, error: unknown) => void
}

/** Remembers the last run of something. */
export function runs(clock: Clock) {
  let last: Run | null = null
  return {
    last: () => last,
    begin() {
      const began = clock.monotonic()
      const counts: Record<string, number> = {}
      const failed: string[] = []
      const run = { beganAt: clock.now(), tookMs: null, counts, failed }
      last = run
      return {
        count: (name: string, many: number) => void (counts[name] = many),
        failed: (what: string) => void failed.push(what),
        end() {
          if (last === run) last = { ...run, tookMs: clock.monotonic() - began }
        },
      }
    },
  }
}

/** Does all `parts` every so often, the first time after that time, until it is ended. A part that fails or hangs holds up no other. */
export function sweep({ clock, name, everyMs, parts, failed }: SweepDeps) {
  const record = runs(clock)
  let nextAt = clock.now() + everyMs
  let cancel = clock.timer(everyMs, function again() {
    void once()
    nextAt = clock.now() + everyMs
    cancel = clock.timer(everyMs, again)
  })

  async function once() {
    const run = record.begin()
    await Promise.all(
      parts.map(async ({ what, counts, run: act }) => {
        try {
          const many = await act()
          if (counts !== undefined && typeof many === 'number') run.count(counts, many)
        } catch (error) {
          run.failed(what)
          failed(what, error)
        }
      }),
    )
    run.end()
  }

  return {
    read: (): Swept => ({ name, last: record.last(), nextAt }),
    end: () => cancel(),
  }
}
