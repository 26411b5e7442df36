import type { ErrorAnswer } from '../wire/error.ts'

/** A request that was refused, or that got no answer: then `status` is 0. `message` says what is wrong and what to do. */
export class ApiError extends Error {
  readonly status: number
  readonly code: string
  /** The state that refused a command. */
  readonly state: string | undefined

  constructor(status: number, { error, code, state }: Pick<ErrorAnswer, 'error' | 'code' | 'state'>, cause?: unknown) {
    super(error, { cause })
    this.name = 'ApiError'
    this.status = status
    this.code = code
    this.state = state
  }
}

/** What an answer that is no success says of itself; a proxy in between may have written it. */
export async function errorOf(answer: Response): Promise<ApiError> {
  const text = await answer.text().catch(() => '')
  const said = Object(parsed(text))
  return new ApiError(answer.status, {
    error: typeof said.error === 'string' ? said.error : `The service answered ${answer.status}.`,
    code: typeof said.code === 'string' ? said.code : 'unknown',
    state: typeof said.state === 'string' ? said.state : undefined,
  })
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null // no JSON: the caller has the status
  }
}
