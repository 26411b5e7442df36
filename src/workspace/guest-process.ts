/** A command to run inside a workspace. */
export interface GuestCommand {
  /** Identifies the process within the workspace, so that it can be killed: lower-case letters, digits, `-` and `_`. */
  readonly tag: string
  /** The program and its arguments, without a shell. */
  readonly argv: readonly string[]
  /** Added to the spec's `remoteEnv`, and takes precedence. */
  readonly env: Readonly<Record<string, string>>
  /** Working directory: absolute, or relative to the spec's `workspaceFolder`; `null`: that folder itself. */
  readonly cwd: string | null
  /** `null`: the spec's `remoteUser`. */
  readonly user: string | null
  /** False: standard input is empty. A terminal always has input. */
  readonly stdin: boolean
  /** Size of the terminal; `null`: no terminal. With a terminal, all output is on `stdout`. */
  readonly terminal: TerminalSize | null
}

export interface TerminalSize {
  readonly columns: number
  readonly rows: number
}

/** A chunk of output as received: never empty, and split at any byte. */
export interface OutputChunk {
  readonly stream: 'stdout' | 'stderr'
  readonly bytes: Buffer
}

/** How a process ended. `lost`: its exit cannot be known, and why. */
export type ProcessExit =
  | { readonly kind: 'exited'; readonly code: number }
  | { readonly kind: 'killed'; readonly signal: string }
  | { readonly kind: 'lost'; readonly message: string }

export const processSignals = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGKILL', 'SIGTERM', 'SIGUSR1', 'SIGUSR2'] as const
export type ProcessSignal = (typeof processSignals)[number]
