import type { CommittedTransition } from './live-workspace.ts'

/** Who counts what happens. It is told after it has happened, and may not throw. */
export interface SupervisorObserver {
  /** Steps are on disk. */
  onCommit(transitions: readonly CommittedTransition[]): void
  /** A sweep has begun. */
  onSweep(sweep: 'provisioner' | 'janitor'): void
}
