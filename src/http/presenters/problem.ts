import type { ErrorResponse } from '../../wire/error-response.ts'
import type { ProblemCode } from './problem-table.ts'
import { problems } from './problem-table.ts'

/** What a refusal says beside its text in the table. */
export interface ProblemOptions {
  readonly error?: string
  readonly state?: string
  readonly details?: readonly { readonly field: string; readonly problem: string }[]
  readonly headers?: Readonly<Record<string, string>>
}

/** A refusal on its way to the client. Thrown by routes and hooks, answered by the error handler. */
export class Problem extends Error {
  override readonly name = 'Problem'
  readonly code: ProblemCode
  readonly statusCode: number
  readonly options: ProblemOptions

  constructor(code: ProblemCode, options: ProblemOptions = {}) {
    super(options.error ?? problems[code].error)
    this.code = code
    this.statusCode = problems[code].status
    this.options = options
  }

  /** The body of the answer. */
  body(): ErrorResponse {
    const { state, details } = this.options
    return {
      error: this.message,
      code: this.code,
      ...(state !== undefined && { state }),
      ...(details && { details: [...details] }),
    }
  }
}
