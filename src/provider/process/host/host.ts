import type { ProcessTable } from './process-table.ts'

/** The machine that workspaces run on, and how they are to run there. */
export interface ProcessHost {
  /** The directory that holds the workspaces' own. */
  readonly root: string
  readonly installation: string
  readonly processTable: ProcessTable
  /** `PATH` of what is run in a workspace. */
  readonly path: string
  /** Between asking a process to end and killing it. */
  readonly graceMs: number
  /** For one lifecycle command. */
  readonly commandTimeoutMs: number
  readonly log: { warn(details: object, message: string): void }
}
