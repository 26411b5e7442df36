import type { ErrorAnswer } from '../wire/error.ts'
import type { ProblemCode } from './known-problems.ts'
import { problems } from './known-problems.ts'

/** What a refusal says beside its text in the table. */
export interface Particulars {
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
  readonly particulars: Particulars

  constructor(code: ProblemCode, particulars: Particulars = {}) {
    super(particulars.error ?? problems[code].error)
    this.code = code
    this.statusCode = problems[code].status
    this.particulars = particulars
  }

  /** The body of the answer. */
  body(): ErrorAnswer {
    const { state, details } = this.particulars
    return {
      error: this.message,
      code: this.code,
      ...(state !== undefined && { state }),
      ...(details && { details: [...details] }),
    }
  }
}
