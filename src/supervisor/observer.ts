import type { Committed } from './live.ts'

/** Who counts what happens. It is told after it has happened, and may not throw. */
export interface Observer {
  /** Steps are on disk. */
  committed(steps: readonly Committed[]): void
  /** A sweep has begun. */
  swept(sweep: 'provisioner' | 'janitor'): void
}
