/** Identifies one process. A pid is reused; a pid with its start time is not. */
export interface ProcessIdentity {
  readonly pid: number
  /** In the system's format. Compared, never parsed. */
  readonly startTime: string
  /** The boot of the host that the process belongs to, see {@link ProcessTable.bootId}. */
  readonly bootId: string
}

/** A process, with the variables of its initial environment whose names begin with the tag prefix. */
export interface TaggedProcess {
  readonly pid: number
  /** Its process group. */
  readonly group: number
  readonly variables: Readonly<Record<string, string>>
}

/** Read access to the host's processes. */
export interface ProcessTable {
  /** Identifies the present boot of the host. */
  bootId(): Promise<string>
  /** Whether exactly this process is still running. A zombie is not. */
  isAlive(identity: ProcessIdentity): Promise<boolean>
  /** The processes that are running now and were started with all of `tags` in their environment. */
  listTagged(tags: Readonly<Record<string, string>>): Promise<readonly TaggedProcess[]>
  /** A line of shell that sets `start` to the shell's own start time, in the format of {@link ProcessIdentity.startTime}. */
  readonly startTimeScript: string
}

/** The variables among `entries` (`NAME=value`) whose names begin with `prefix`. */
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
