// Every error of the API. A test compares docs/problems.md with this table.
interface ProblemDefinition {
  readonly status: number
  /** The text for clients, unless the place that throws the problem has a more specific one. */
  readonly error: string
  /** Cause and remedy, for the page. */
  readonly meaning: string
}

export const problems = {
  invalid: {
    status: 400,
    error: 'The request is invalid.',
    meaning: 'A field, query parameter or header has an invalid value; `details` lists each one. Correct the request.',
  },
  'malformed-json': {
    status: 400,
    error: 'The body is not valid JSON, or has a forbidden key ("__proto__", or "constructor" with "prototype").',
    meaning:
      'The body is not JSON in UTF-8, is nested deeper than 100 levels, or has a number too large for a double or a forbidden key.',
  },
  'malformed-request': {
    status: 400,
    error: 'The request is not valid HTTP, or its path is not validly encoded.',
    meaning: 'The request is not HTTP/1.1, or its path has an invalid percent-encoding.',
  },
  'host-not-allowed': {
    status: 400,
    error: 'This Host is not allowed in dev mode. Use localhost, 127.0.0.1 or [::1].',
    meaning: 'In dev mode, `Host` must be a loopback name or address, or the name that the service is bound to.',
  },
  'origin-not-allowed': {
    status: 400,
    error: 'Requests from pages of other origins are not allowed.',
    meaning:
      'A web page of another origin sent the request. Call the API from a program, or from pages of the service.',
  },
  'unknown-template': {
    status: 400,
    error: 'There is no such template.',
    meaning: 'The response lists the available templates, and so does `GET /api/v1/templates`.',
  },
  'malformed-archive': {
    status: 400,
    error: 'The body is not an acceptable tar archive.',
    meaning:
      'The archive is truncated, is not a tar, or has an entry with an absolute path, a `..` segment or a link that leads outside. Nothing was extracted.',
  },
  'not-runnable': {
    status: 400,
    error: 'The command cannot be started.',
    meaning: 'The response has the reason, for example that the user does not exist in the workspace.',
  },
  unauthenticated: {
    status: 401,
    error:
      'Authentication required. Send one x-user header with a user name: 1 to 128 printable ASCII characters without a comma.',
    meaning:
      'The user header is missing, empty, repeated or not trusted. See [Authentication](api-reference.md#authentication).',
  },
  'file-denied': {
    status: 403,
    error: 'Permission denied for the user of the workspace.',
    meaning: 'File permissions in the workspace forbid the operation. Change them with `exec`, or use another path.',
  },
  'path-outside': {
    status: 403,
    error: 'The path leads outside the workspace.',
    meaning: 'Use a path inside the workspace. Links that lead outside are not followed.',
  },
  'workspace-not-found': {
    status: 404,
    error: 'Workspace not found',
    meaning: 'You have no workspace with this id. It may have been deleted, or may have expired.',
  },
  'statechart-not-found': {
    status: 404,
    error: 'There is no such machine. List machines with GET /api/v1/statecharts.',
    meaning: '`GET /api/v1/statecharts` lists the machines.',
  },
  'orphan-not-found': {
    status: 404,
    error: 'There is no such orphan. List orphans with GET /api/v1/orphans.',
    meaning: 'The container was removed or belongs to a workspace. Use the full id from the list.',
  },
  'exec-not-found': {
    status: 404,
    error: 'There is no such exec session in this workspace. List exec sessions with GET …/exec.',
    meaning: 'The command was never started, or its record has expired.',
  },
  'shell-not-found': {
    status: 404,
    error: 'This shell session no longer exists. Open a new one.',
    meaning: 'The shell ended, was disconnected for five minutes, or belonged to an earlier run of the service.',
  },
  'file-not-found': {
    status: 404,
    error: 'There is no such file in the workspace.',
    meaning: 'Nothing exists at this path, or the parent directory of a new file does not exist.',
  },
  'route-not-found': {
    status: 404,
    error: 'There is no such path. The API is documented at /docs.',
    meaning: 'The path does not exist in this API.',
  },
  'method-not-allowed': {
    status: 405,
    error: 'This path does not support the method. Allowed methods are in the Allow header.',
    meaning: 'Use one of the methods in the `Allow` header.',
  },
  'not-acceptable': {
    status: 406,
    error: 'Not available in any type listed in Accept.',
    meaning: 'The response lists the available types. Accept one of them, or send no `Accept` header.',
  },
  'request-timeout': {
    status: 408,
    error: 'The request did not arrive within a minute.',
    meaning: 'The connection is slow or stalled. Send the request again.',
  },
  'name-taken': {
    status: 409,
    error: 'You already have a workspace with this name. Choose another name, or delete that workspace.',
    meaning: 'The name of a workspace is unique among the workspaces of its owner.',
  },
  'refused-in-state': {
    status: 409,
    error: 'The workspace does not accept this command in its current state.',
    meaning: "`state` is the current state; the workspace's `can` lists the commands that it accepts.",
  },
  'not-a-file': {
    status: 409,
    error: 'The path is a directory or a special file, not a regular file.',
    meaning: 'Name a file, or use the tree of the directory.',
  },
  'not-a-directory': {
    status: 409,
    error: 'The path, or a part of it, is not a directory.',
    meaning: 'A segment of the path is a file.',
  },
  'file-exists': {
    status: 409,
    error: 'The path already exists.',
    meaning: 'Remove it first, or use another path.',
  },
  'directory-not-empty': {
    status: 409,
    error: 'The directory is not empty. To remove it with its contents, send recursive=true.',
    meaning: 'Without `recursive=true`, only an empty directory is removed.',
  },
  'stdin-not-open': {
    status: 409,
    error: 'The command does not accept input, or no longer does.',
    meaning: 'Only a command started with `"stdin": "stream"` accepts input: once, from one request, while it runs.',
  },
  'output-gone': {
    status: 410,
    error: 'This part of the output is no longer available.',
    meaning:
      'Only the newest output of each command is kept. Continue from the `seq` in the response, or leave out `after`.',
  },
  'body-too-large': {
    status: 413,
    error: 'The body is larger than 1 MiB.',
    meaning: 'The limit is 1 MiB, and 16 KiB for metadata.',
  },
  'uri-too-long': {
    status: 414,
    error: 'The path is too long.',
    meaning: 'A segment of the path has more than 256 characters.',
  },
  'unsupported-media-type': {
    status: 415,
    error: 'Unsupported body type. Send JSON with "Content-Type: application/json".',
    meaning: 'The body is not sent as JSON, or is compressed.',
  },
  'exec-id-reused': {
    status: 422,
    error: 'This exec_id was used for a different request. Use a new exec_id for a new command.',
    meaning: 'A request with this `exec_id` and other content started a command before.',
  },
  'idempotency-key-reused': {
    status: 422,
    error: 'This Idempotency-Key was used for a different request within 24 hours. Use a new key for a new request.',
    meaning: 'A request with this key and another body created a workspace before.',
  },
  'upgrade-required': {
    status: 426,
    error: 'This path requires a WebSocket. Send an Upgrade request.',
    meaning: 'Open shells with a WebSocket client.',
  },
  'too-many-runs': {
    status: 429,
    error:
      'Too many commands or shells are running in this workspace (limits: 128 commands, 32 shells). Wait for one to finish, or kill one.',
    meaning: 'A workspace runs at most 128 commands and 32 shells at a time.',
  },
  'headers-too-large': {
    status: 431,
    error: 'The headers are too large.',
    meaning: 'The limit for all headers together is 16 KiB.',
  },
  internal: {
    status: 500,
    error: 'Internal error in vm-api. The log has the details under the request id of this response.',
    meaning: 'A bug. Find the `x-request-id` of the response in the log, and report it.',
  },
  'workspace-lacks': {
    status: 501,
    error: 'The workspace lacks a program that this operation needs.',
    meaning:
      'File operations use programs of the image (`sh`, `cat`, `stat`, `tar`, …). The response names the missing one.',
  },
  'not-read': {
    status: 503,
    error: 'The database cannot be read, so nothing was changed. Try again later.',
    meaning:
      'The database file may be damaged or locked by another program, or its disk may be broken; see `GET /health/ready` and the log. The request can be repeated.',
  },
  'not-written': {
    status: 503,
    error: 'The database does not accept writes, so nothing was changed. Try again soon.',
    meaning:
      'The disk may be full or read-only, or the file damaged; see `GET /health/ready`. The request can be repeated.',
  },
  'not-ready': {
    status: 503,
    error: 'The service is not ready.',
    meaning: 'Only from `GET /health/ready`: `database`, `provider` and `error` show what is missing.',
  },
  'shutting-down': {
    status: 503,
    error: 'The service is shutting down. Try again soon.',
    meaning: 'The request arrived during shutdown. Repeat it.',
  },
  'provider-failed': {
    status: 503,
    error: 'The provider failed. Try again soon.',
    meaning:
      'The engine is unreachable or reported an error; the response has the reason. `GET …/exec` shows whether a command was started.',
  },
  'no-space': {
    status: 507,
    error: 'There is no space left in the workspace. Remove files, and try again.',
    meaning: 'The disk or quota of the workspace is full. The old file is unchanged.',
  },
} as const satisfies Readonly<Record<string, ProblemDefinition>>

export type ProblemCode = keyof typeof problems
