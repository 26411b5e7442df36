import type { ErrorResponse } from '../../wire/error-response.ts'
import type { ProblemCode } from './problem-table.ts'
import { problems } from './problem-table.ts'

/** Details of an error response. `error` replaces the text in the table. */
export interface ProblemOptions {
  readonly error?: string
  readonly state?: string
  readonly details?: readonly { readonly field: string; readonly problem: string }[]
  readonly headers?: Readonly<Record<string, string>>
}

/** An error response. Routes and hooks throw it; the error handler sends it. */
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

  /** The response body. */
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
