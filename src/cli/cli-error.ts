/** 0 is success, and a guest's own code is passed on. */
export const exitCodes = { failed: 1, usage: 2, timeout: 124 } as const

interface CliErrorOptions {
  /** What to type next. */
  readonly next: string
  readonly exitCode?: number
  /** For programs, with `--json`. */
  readonly code?: string
}

/** A command that cannot be done. `message` says what is wrong. */
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
