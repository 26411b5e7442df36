import type { ProcessTable } from './process-table.ts'

/** The machine that workspaces run on, and the settings for running them. */
export interface ProcessHost {
  /** Parent of the workspaces' directories. */
  readonly root: string
  readonly installation: string
  readonly processTable: ProcessTable
  /** `PATH` inside the workspaces. */
  readonly path: string
  /** Time between SIGTERM and SIGKILL. */
  readonly graceMs: number
  /** Limit for one lifecycle command. */
  readonly commandTimeoutMs: number
  readonly log: { warn(details: object, message: string): void }
}
