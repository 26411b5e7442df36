/** A command that is to run inside a running workspace. */
export interface GuestCommand {
  /** Names the run among the workspace's processes, so that it can be ended: lower-case letters, digits, `-` and `_`. */
  readonly tag: string
  /** The program and its arguments; no shell reads them. */
  readonly argv: readonly string[]
  /** Beside the recipe's `remoteEnv`, and before it. */
  readonly env: Readonly<Record<string, string>>
  /** Where it begins: relative to the recipe's `workspaceFolder`, or absolute; `null`: that folder itself. */
  readonly cwd: string | null
  /** `null`: the recipe's `remoteUser`. */
  readonly user: string | null
  /** False: it reads nothing. A terminal can always be typed into. */
  readonly stdin: boolean
  /** The size of the terminal that it runs in; `null`: none. With one, all its output is on `stdout`. */
  readonly terminal: TerminalSize | null
}

export interface TerminalSize {
  readonly columns: number
  readonly rows: number
}

/** A piece of output, as it came: never empty, and cut anywhere. */
export interface OutputChunk {
  readonly stream: 'stdout' | 'stderr'
  readonly bytes: Buffer
}

/** How a run ended. `lost`: nobody will ever know, and why. */
export type ProcessExit =
  | { readonly kind: 'exited'; readonly code: number }
  | { readonly kind: 'killed'; readonly signal: string }
  | { readonly kind: 'lost'; readonly message: string }

export const processSignals = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGKILL', 'SIGTERM', 'SIGUSR1', 'SIGUSR2'] as const
export type ProcessSignal = (typeof processSignals)[number]
