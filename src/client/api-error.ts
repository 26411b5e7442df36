import type { ErrorResponse } from '../wire/error-response.ts'

/** A request that was refused, or that got no answer: then `status` is 0. `message` says what is wrong and what to do. */
export class ApiError extends Error {
  readonly status: number
  readonly code: string
  /** The state that refused a command. */
  readonly state: string | undefined

  constructor(
    status: number,
    { error, code, state }: Pick<ErrorResponse, 'error' | 'code' | 'state'>,
    cause?: unknown,
  ) {
    super(error, { cause })
    this.name = 'ApiError'
    this.status = status
    this.code = code
    this.state = state
  }
}

/** What an answer that is no success says of itself; a proxy in between may have written it. */
export async function apiErrorFrom(response: Response): Promise<ApiError> {
  const text = await response.text().catch(() => '')
  const body = Object(parseJson(text))
  return new ApiError(response.status, {
    error: typeof body.error === 'string' ? body.error : `The service answered ${response.status}.`,
    code: typeof body.code === 'string' ? body.code : 'unknown',
    state: typeof body.state === 'string' ? body.state : undefined,
  })
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null // no JSON: the caller has the status
  }
}
