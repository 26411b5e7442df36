import type { ExpiryScheduler } from './expiry-scheduler.ts'
import type { Reconciler } from './reconcile.ts'
import type { ResumeQueue } from './resume-queue.ts'
import type { ProvisioningSlots } from './provisioning-slots.ts'
import type { SweepTask, SweepStatus } from './sweep.ts'
import { startSweep } from './sweep.ts'
import type { MaintenanceDeps } from './maintenance.ts'

const dayMs = 24 * 60 * 60_000
/** How long the answer to a create with a key is kept. */
export const idempotencyRetentionMs = dayMs
/** Histories forgotten at a time. */
const maxPrunedHistories = 100
const maxPrunedExecs = 1000

interface MaintenanceSweepsDeps
  extends Pick<
    MaintenanceDeps,
    'storedResponses' | 'checkpoint' | 'clock' | 'journal' | 'observer' | 'execLog' | 'settings'
  > {
  readonly pendingResumes: Pick<ResumeQueue, 'resumeAll'>
  readonly slots: Pick<ProvisioningSlots, 'grantFreeSlots'>
  readonly expirations: Pick<ExpiryScheduler, 'sweep'>
  readonly reconcilers: readonly Reconciler[]
  readonly onFailure: (description: string, error: unknown) => void
}

/** The two sweeps, which catch what was missed: work itself starts at once. They go on until `end()`. */
export function maintenanceSweeps(deps: MaintenanceSweepsDeps) {
  const {
    storedResponses,
    checkpoint,
    clock,
    reconcilers,
    expirations,
    journal,
    onFailure,
    observer,
    pendingResumes,
    execLog,
    settings,
    slots,
  } = deps
  const sweepEvery = (everyMs: number, name: 'provisioner' | 'janitor', tasks: readonly SweepTask[]) =>
    startSweep({
      clock,
      name,
      everyMs,
      tasks: [{ description: 'counting a sweep', run: () => observer?.onSweep(name) }, ...tasks],
      onFailure: onFailure,
    })
  const provisioner = sweepEvery(settings.provisionerIntervalMs, 'provisioner', [
    { description: 'going on with what was cut off', countName: 'resumed', run: pendingResumes.resumeAll },
    { description: 'granting slots', countName: 'granted', run: slots.grantFreeSlots },
    ...reconcilers.map(({ pingEngine }) => ({ description: 'asking an engine that is away', run: pingEngine })),
  ])
  const janitor = sweepEvery(settings.janitorIntervalMs, 'janitor', [
    { description: 'expiring', countName: 'expired', run: expirations.sweep },
    ...reconcilers.map(({ reconcileAll }) => ({ description: 'a reconciliation', run: reconcileAll })),
    {
      description: 'forgetting old answers',
      countName: 'answers_forgotten',
      run: () => storedResponses.prune(clock.now() - idempotencyRetentionMs),
    },
    {
      description: 'forgetting old histories',
      countName: 'lines_forgotten',
      run: () => journal.prune(clock.now() - settings.journalDays * dayMs, maxPrunedHistories),
    },
    {
      description: 'forgetting old runs',
      countName: 'runs_forgotten',
      run: () => execLog?.prune(clock.now() - settings.journalDays * dayMs, maxPrunedExecs),
    },
    { description: 'a checkpoint', run: checkpoint },
  ])
  return {
    /** What comes round by itself, and what came of it the last time. */
    statuses(): readonly SweepStatus[] {
      const [provisionerStatus, janitorStatus] = [provisioner.status(), janitor.status()]
      const { nextAt } = janitorStatus // it is the janitor that reconciles
      return [
        provisionerStatus,
        janitorStatus,
        ...reconcilers.map((reconciler) => ({
          name: `reconcile ${reconciler.provider}`,
          lastRun: reconciler.lastRun(),
          nextAt,
        })),
      ]
    },
    stop() {
      provisioner.stop()
      janitor.stop()
    },
  }
}
