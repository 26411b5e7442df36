/** One process and no other: a number is given out again, a number with its start time is not. */
export interface ProcessIdentity {
  readonly pid: number
  /** When it started, as the system spells it. Compared, never read. */
  readonly startTime: string
  /** Which run of the host it belongs to, see {@link ProcessTable.bootId}. */
  readonly bootId: string
}

/** A process with those of the variables it was started with that begin as our marks do. */
export interface TaggedProcess {
  readonly pid: number
  /** The process group that it is in. */
  readonly group: number
  readonly variables: Readonly<Record<string, string>>
}

/** The host's processes. Questions only: nothing here ends one. */
export interface ProcessTable {
  /** Names this run of the host: another value after it was started again. */
  bootId(): Promise<string>
  /** Does this very process still run? One that has ended and was not reaped does not. */
  isAlive(identity: ProcessIdentity): Promise<boolean>
  /** Every process that was started with all of `wanted` in its environment, among those that run when it is asked. */
  listTagged(tags: Readonly<Record<string, string>>): Promise<readonly TaggedProcess[]>
  /** A line of shell that puts the shell's own start time into `start`, spelled as {@link ProcessIdentity.startTime}. */
  readonly startTimeScript: string
}

/** The variables among `entries` (`NAME=value`) that begin with `prefix`. */
export function parseVariables(entries: readonly string[], prefix: string): Readonly<Record<string, string>> {
  const matching = entries.filter((entry) => entry.startsWith(prefix))
  return Object.fromEntries(
    matching.map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]),
  )
}

export function hasVariables(
  variables: Readonly<Record<string, string>>,
  expected: Readonly<Record<string, string>>,
): boolean {
  return Object.entries(expected).every(([name, value]) => variables[name] === value)
}
