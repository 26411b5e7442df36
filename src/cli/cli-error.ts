import { constants } from 'node:os'

/** 0 is success. `vm exec` and `vm ssh` pass on the exit code of the command in the workspace. */
export const exitCodes = { failed: 1, usage: 2, timeout: 124 } as const

const signalNumbers: ReadonlyMap<string, number> = new Map(Object.entries(constants.signals))

/** The exit code of a process that was ended by a signal: 128 and its number, as in shells. */
export function signalExitCode(signal: string): number {
  return 128 + (signalNumbers.get(signal) ?? 0)
}

interface CliErrorOptions {
  /** What to do next. */
  readonly next: string
  readonly exitCode?: number
  /** For programs, with `--json`. */
  readonly code?: string
}

/** A command failed. `message` says what happened. */
export class CliError extends Error {
  readonly next: string
  readonly exitCode: number
  readonly code: string

  constructor(message: string, { next, exitCode = exitCodes.failed, code = 'failed' }: CliErrorOptions) {
    super(message)
    this.name = 'CliError'
    this.next = next
    this.exitCode = exitCode
    this.code = code
  }
}

export function usageError(message: string, next: string): CliError {
  return new CliError(message, { next, exitCode: exitCodes.usage, code: 'usage' })
}
