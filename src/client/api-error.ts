import type { ErrorResponse } from '../wire/error-response.ts'

/** The service refused a request, or did not answer: `status` is then 0. `message` says what happened and what to do next. */
export class ApiError extends Error {
  readonly status: number
  readonly code: string
  /** The state in which the workspace refused the command. */
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

/** Reads an error response. A proxy in between may have written it, so its body can be anything. */
export async function apiErrorFrom(response: Response): Promise<ApiError> {
  const text = await response.text().catch(() => '')
  const body = parseJson(text)
  const field = (name: string) => {
    const value: unknown = typeof body === 'object' && body !== null ? Reflect.get(body, name) : undefined
    return typeof value === 'string' ? value : undefined
  }
  return new ApiError(response.status, {
    error: field('error') ?? `The service answered with status ${response.status}.`,
    code: field('code') ?? 'unknown',
    state: field('state'),
  })
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Error codes of connections that broke after the request was sent, or while it was. */
const connectionLostCodes: readonly unknown[] = [
  'ECONNRESET',
  'EPIPE',
  'UND_ERR_SOCKET',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
]

/**
 * Converts an error of `fetch` or of reading a body. `unreachable`: the request was not sent. `cut-off`: the service may have done what was
 * requested, or not. Browsers do not tell the two apart: there it is always `unreachable`.
 */
export function connectionError(error: unknown): ApiError {
  const inner: unknown = error instanceof Error ? (error.cause ?? error) : error
  const code: unknown = typeof inner === 'object' && inner !== null ? Reflect.get(inner, 'code') : undefined
  return connectionLostCodes.includes(code)
    ? new ApiError(0, { error: 'The connection was lost before the response was complete.', code: 'cut-off' }, error)
    : new ApiError(0, { error: 'The service cannot be reached. Is it running?', code: 'unreachable' }, error)
}
