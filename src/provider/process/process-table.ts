/** One process and no other: a number is given out again, a number with its start time is not. */
export interface ProcessMark {
  readonly pid: number
  /** When it started, as the system spells it. Compared, never read. */
  readonly start: string
  /** Which run of the host it belongs to, see {@link ProcessTable.epoch}. */
  readonly epoch: string
}

/** A process with those of the variables it was started with that begin as our marks do. */
export interface MarkedProcess {
  readonly pid: number
  /** The process group that it is in. */
  readonly group: number
  readonly variables: Readonly<Record<string, string>>
}

/** The host's processes. Questions only: nothing here ends one. */
export interface ProcessTable {
  /** Names this run of the host: another value after it was started again. */
  epoch(): Promise<string>
  /** Does this very process still run? One that has ended and was not reaped does not. */
  lives(mark: ProcessMark): Promise<boolean>
  /** Every process that was started with all of `wanted` in its environment, among those that run when it is asked. */
  marked(wanted: Readonly<Record<string, string>>): Promise<readonly MarkedProcess[]>
  /** A line of shell that puts the shell's own start time into `start`, spelled as {@link ProcessMark.start}. */
  readonly readStart: string
}

/** The variables among `entries` (`NAME=value`) that begin with `prefix`. */
export function variablesIn(entries: readonly string[], prefix: string): Readonly<Record<string, string>> {
  const ours = entries.filter((entry) => entry.startsWith(prefix))
  return Object.fromEntries(
    ours.map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]),
  )
}

export function carries(
  variables: Readonly<Record<string, string>>,
  wanted: Readonly<Record<string, string>>,
): boolean {
  return Object.entries(wanted).every(([name, value]) => variables[name] === value)
}
