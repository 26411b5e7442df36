import type { Expiry } from './expiry.ts'
import type { Reconcile } from './reconcile.ts'
import type { Resumption } from './resumption.ts'
import type { Slots } from './slots.ts'
import type { Part, Swept } from './sweep.ts'
import { sweep } from './sweep.ts'
import type { UpkeepDeps } from './upkeep.ts'

const day = 24 * 60 * 60_000
/** How long the answer to a create with a key is kept. */
export const keyLifetimeMs = day
/** Histories forgotten at a time. */
const forgotten = 100
const runsForgotten = 1000

interface SweepsDeps
  extends Pick<UpkeepDeps, 'answers' | 'checkpoint' | 'clock' | 'journal' | 'observer' | 'runs' | 'settings'> {
  readonly resuming: Pick<Resumption, 'resumeAll'>
  readonly slots: Pick<Slots, 'pump'>
  readonly expiring: Pick<Expiry, 'sweep'>
  readonly engines: readonly Reconcile[]
  readonly missed: (what: string, error: unknown) => void
}

/** The two sweeps, which catch what was missed: work itself starts at once. They go on until `end()`. */
export function upkeepSweeps(deps: SweepsDeps) {
  const { answers, checkpoint, clock, engines, expiring, journal, missed, observer, resuming, runs, settings, slots } =
    deps
  const every = (everyMs: number, name: 'provisioner' | 'janitor', parts: readonly Part[]) =>
    sweep({
      clock,
      name,
      everyMs,
      parts: [{ what: 'counting a sweep', run: () => observer?.swept(name) }, ...parts],
      failed: missed,
    })
  const provisioner = every(settings.provisionerIntervalMs, 'provisioner', [
    { what: 'going on with what was cut off', counts: 'resumed', run: resuming.resumeAll },
    { what: 'granting slots', counts: 'granted', run: slots.pump },
    ...engines.map(({ askAgain }) => ({ what: 'asking an engine that is away', run: askAgain })),
  ])
  const janitor = every(settings.janitorIntervalMs, 'janitor', [
    { what: 'expiring', counts: 'expired', run: expiring.sweep },
    ...engines.map(({ all }) => ({ what: 'a reconciliation', run: all })),
    {
      what: 'forgetting old answers',
      counts: 'answers_forgotten',
      run: () => answers.prune(clock.now() - keyLifetimeMs),
    },
    {
      what: 'forgetting old histories',
      counts: 'lines_forgotten',
      run: () => journal.prune(clock.now() - settings.journalDays * day, forgotten),
    },
    {
      what: 'forgetting old runs',
      counts: 'runs_forgotten',
      run: () => runs?.prune(clock.now() - settings.journalDays * day, runsForgotten),
    },
    { what: 'a checkpoint', run: checkpoint },
  ])
  return {
    /** What comes round by itself, and what came of it the last time. */
    read(): readonly Swept[] {
      const [first, second] = [provisioner.read(), janitor.read()]
      const { nextAt } = second // it is the janitor that reconciles
      return [
        first,
        second,
        ...engines.map((engine) => ({ name: `reconcile ${engine.provider}`, last: engine.last(), nextAt })),
      ]
    },
    end() {
      provisioner.end()
      janitor.end()
    },
  }
}
