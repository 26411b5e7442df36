/** One process and no other: a number is given out again, a number with its start time is not. */
export interface ProcessMark {
  readonly pid: number
  /** When it started, as the system spells it. Compared, never read. */
  readonly start: string
  /** Which run of the host it belongs to, see {@link ProcessTable.epoch}. */
  readonly epoch: string
}

/** A process with the variables that it was started with, of those that were asked for. */
export interface MarkedProcess {
  readonly pid: number
  readonly variables: Readonly<Record<string, string>>
}

/** The host's processes. Questions only: nothing here ends one. */
export interface ProcessTable {
  /** Names this run of the host: another value after it was started again. */
  epoch(): Promise<string>
  /** Does this very process still run? One that has ended and was not reaped does not. */
  lives(mark: ProcessMark): Promise<boolean>
  /** Every process that was started with all of `wanted` in its environment, with those of its variables that begin with `prefix`. */
  marked(wanted: Readonly<Record<string, string>>, prefix: string): Promise<readonly MarkedProcess[]>
  /** A line of shell that puts the shell's own start time into `start`, spelled as {@link ProcessMark.start}. */
  readonly readStart: string
}

/** The variables among `entries` (`NAME=value`) that begin with `prefix`, if all of `wanted` are there. */
export function variablesIn(
  entries: readonly string[],
  wanted: Readonly<Record<string, string>>,
  prefix: string,
): Readonly<Record<string, string>> | null {
  const ours = entries.filter((entry) => entry.startsWith(prefix))
  const variables = Object.fromEntries(
    ours.map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]),
  )
  return Object.entries(wanted).every(([name, value]) => variables[name] === value) ? variables : null
}
