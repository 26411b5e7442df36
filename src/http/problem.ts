// Every refusal that the API knows. The page docs/problems.md is compared with this table.
import type { ErrorAnswer } from '../wire/error.ts'

interface Known {
  readonly status: number
  /** What a client reads, unless the place that refuses says it more exactly. */
  readonly error: string
  /** When it is met, and what to do; for the page. */
  readonly meaning: string
}

export const problems = {
  invalid: {
    status: 400,
    error: 'The request is invalid.',
    meaning:
      'A field, a query parameter or a header has a value that cannot be. `details` names each one. Correct the request.',
  },
  'malformed-json': {
    status: 400,
    error: 'The body is not valid JSON, or has a key that is not taken ("__proto__", "constructor" with "prototype").',
    meaning:
      'The body could not be read: it is no JSON, no UTF-8, nested deeper than 100 levels, has a number too large for a double or a key `__proto__`.',
  },
  'malformed-request': {
    status: 400,
    error: 'The request is malformed: it is not valid HTTP, or its path is not validly encoded.',
    meaning: 'What arrived is not HTTP/1.1, or the path has a bad percent-encoding.',
  },
  'host-not-allowed': {
    status: 400,
    error: 'This Host is not served: in dev mode call the service as localhost, 127.0.0.1 or [::1].',
    meaning:
      'In dev mode a request must name the loopback, or the name that the service is bound to. Call it by one of these.',
  },
  'origin-not-allowed': {
    status: 400,
    error: 'Requests from pages of another origin are not served.',
    meaning: 'A web page of another origin made the request. Call the API from a program, or from its own pages.',
  },
  'unknown-template': {
    status: 400,
    error: 'There is no such template.',
    meaning: 'The answer names those that there are; so does `GET /api/v1/templates`.',
  },
  unauthenticated: {
    status: 401,
    error:
      'Who are you? Send a user name in the x-user header: 1 to 128 printable ASCII characters, without a comma, once.',
    meaning:
      'No user header, an empty one, a repeated one, or one that the service does not believe. See the API reference.',
  },
  'workspace-not-found': {
    status: 404,
    error: 'Workspace not found',
    meaning: 'There is none with this id among yours. It may have been deleted, or have expired.',
  },
  'statechart-not-found': {
    status: 404,
    error: 'There is no machine of this name. GET /api/v1/statecharts lists those that there are.',
    meaning: '`GET /api/v1/statecharts` lists the machines.',
  },
  'stray-not-found': {
    status: 404,
    error: 'There is no such container that belongs to no workspace. GET /api/v1/strays lists those that there are.',
    meaning: 'It was removed, or it belongs to a workspace. Give its id in full, as the list has it.',
  },
  'route-not-found': {
    status: 404,
    error: 'There is no such path. The API is described at /docs.',
    meaning: 'The path is none of the API.',
  },
  'method-not-allowed': {
    status: 405,
    error: 'This path does not take that method; see the Allow header.',
    meaning: 'The `Allow` header names the methods that the path takes.',
  },
  'not-acceptable': {
    status: 406,
    error: 'It cannot be had in any of the types that Accept names.',
    meaning: 'The answer names the types in which it can be had. Send one of them, or no `Accept`.',
  },
  'request-timeout': {
    status: 408,
    error: 'The request did not arrive within a minute.',
    meaning: 'The connection is slow or hangs. Send the request again.',
  },
  'name-taken': {
    status: 409,
    error: 'You have a workspace of this name already. Choose another name, or delete that one.',
    meaning: "A workspace's name is unique among its owner's.",
  },
  'refused-in-state': {
    status: 409,
    error: 'The workspace does not take this command in the state that it is in.',
    meaning: "`state` says in which state it is; the workspace's `can` lists what it takes.",
  },
  'body-too-large': {
    status: 413,
    error: 'The body is larger than 1 MiB.',
    meaning: 'No request needs so much. Metadata may have 16 KiB.',
  },
  'uri-too-long': {
    status: 414,
    error: 'The path is too long.',
    meaning: 'A part of the path is longer than any that there is.',
  },
  'unsupported-media-type': {
    status: 415,
    error: 'Send the body as JSON, with "Content-Type: application/json".',
    meaning: 'The body has another type than JSON, or is compressed.',
  },
  'idempotency-key-reused': {
    status: 422,
    error: 'This Idempotency-Key was used for another request within 24 hours. Use a new key for a new request.',
    meaning: 'The same key came with another body.',
  },
  'headers-too-large': {
    status: 431,
    error: 'The headers are too large.',
    meaning: 'All headers together may have 16 KiB.',
  },
  internal: {
    status: 500,
    error: 'Something went wrong in vm-api. The log has the details, under the request id of this answer.',
    meaning: 'A bug. Look into the log for the `x-request-id` of the answer, and report it.',
  },
  'not-read': {
    status: 503,
    error: 'The database cannot be read at present, so nothing was looked up and nothing changed. Try again later.',
    meaning:
      'The file may be damaged, in use by another program, or its disk broken; `GET /health/ready` says so, and the log has the details. The request can be repeated.',
  },
  'not-written': {
    status: 503,
    error: 'The database does not take writes at present, so nothing was changed. Try again soon.',
    meaning:
      'The disk may be full or read-only, or the file damaged; `GET /health/ready` says so. Nothing has happened: the request can be repeated.',
  },
  'not-ready': {
    status: 503,
    error: 'The service cannot do its work at present.',
    meaning: 'Answered by `GET /health/ready` alone: `database`, `provider` and `error` say what is missing.',
  },
  'shutting-down': {
    status: 503,
    error: 'The service is shutting down. Try again soon.',
    meaning: 'The request came while the service ended. Repeat it.',
  },
} as const satisfies Readonly<Record<string, Known>>

export type ProblemCode = keyof typeof problems

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
