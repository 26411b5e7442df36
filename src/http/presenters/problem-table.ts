// Every refusal that the API knows. The page docs/problems.md is compared with this table.
interface ProblemDefinition {
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
  'malformed-archive': {
    status: 400,
    error: 'The body is no tar archive that can be taken.',
    meaning:
      'It is cut off or no tar, or it names something that is absolute, has a part "..", or is a link that leads out. Nothing of it was put in place.',
  },
  'not-runnable': {
    status: 400,
    error: 'The command cannot be run like this.',
    meaning: 'The user does not exist in the workspace, say. The answer has the reason.',
  },
  unauthenticated: {
    status: 401,
    error:
      'Who are you? Send a user name in the x-user header: 1 to 128 printable ASCII characters, without a comma, once.',
    meaning:
      'No user header, an empty one, a repeated one, or one that the service does not believe. See the API reference.',
  },
  'file-denied': {
    status: 403,
    error: 'The user of the workspace may not do this with that file.',
    meaning: 'Permissions inside the workspace refuse it. Change them with `exec`, or choose another path.',
  },
  'path-outside': {
    status: 403,
    error: 'The path leads out of the workspace.',
    meaning: 'Choose a path inside the workspace; links that lead out are not followed.',
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
  'orphan-not-found': {
    status: 404,
    error: 'There is no such container that belongs to no workspace. GET /api/v1/orphans lists those that there are.',
    meaning: 'It was removed, or it belongs to a workspace. Give its id in full, as the list has it.',
  },
  'exec-not-found': {
    status: 404,
    error: 'There is no such run in this workspace. GET …/exec lists those that there are.',
    meaning: 'It was never started, or it is so long ago that it is forgotten.',
  },
  'shell-not-found': {
    status: 404,
    error: 'There is no such shell any more. Open a new one.',
    meaning: 'It has ended, was left for five minutes, or went with an earlier run of the service.',
  },
  'file-not-found': {
    status: 404,
    error: 'There is no such file in the workspace.',
    meaning: 'Nothing is at that path, or the directory that it is to be put in is not there.',
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
  'not-a-file': {
    status: 409,
    error: 'A file is meant, and that is a directory or something else.',
    meaning: 'Use the tree of a directory, or name a file.',
  },
  'not-a-directory': {
    status: 409,
    error: 'A directory is meant, and that is something else.',
    meaning: 'A part of the path, or the last one, is a file.',
  },
  'file-exists': {
    status: 409,
    error: 'There is something at that path already.',
    meaning: 'Remove it first, or choose another path.',
  },
  'directory-not-empty': {
    status: 409,
    error: 'The directory is not empty. Send recursive=true to remove it with all that is in it.',
    meaning: 'Only an empty directory is removed without `recursive=true`.',
  },
  'stdin-not-open': {
    status: 409,
    error: 'This run takes no input, or not any more.',
    meaning:
      'Only a run that was started with `"stdin": "stream"` takes some, until its input was ended, from one request at a time.',
  },
  'output-gone': {
    status: 410,
    error: 'That part of the output is not kept any more.',
    meaning:
      'Of each run some of its newest output is kept. Read on from the `seq` that the answer names, or without `after`.',
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
  'exec-id-reused': {
    status: 422,
    error: 'This exec_id was used for another command. Use a new one for a new run.',
    meaning: 'The same `exec_id` came with another command.',
  },
  'idempotency-key-reused': {
    status: 422,
    error: 'This Idempotency-Key was used for another request within 24 hours. Use a new key for a new request.',
    meaning: 'The same key came with another body.',
  },
  'upgrade-required': {
    status: 426,
    error: 'This path is a WebSocket. Ask for an upgrade.',
    meaning: 'A shell is opened with a WebSocket client.',
  },
  'too-many-runs': {
    status: 429,
    error: 'Too much runs in this workspace at the same time. Wait until something has ended, or kill it.',
    meaning: 'At most 128 runs and 32 shells at a time in a workspace.',
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
  'workspace-lacks': {
    status: 501,
    error: 'The workspace lacks a program that this needs.',
    meaning:
      'Files are reached with programs of the image (`sh`, `cat`, `stat`, `tar`, …). The answer names what is missing.',
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
  'provider-failed': {
    status: 503,
    error: 'Where workspaces run, something went wrong. Try again soon.',
    meaning:
      'The engine cannot be reached, or refused; the answer has its reason. Whether a command has begun is shown by `GET …/exec`.',
  },
  'no-space': {
    status: 507,
    error: 'There is no space left in the workspace. Remove something, and try again.',
    meaning: 'Its disk or its quota is full. The old file stands.',
  },
} as const satisfies Readonly<Record<string, ProblemDefinition>>

export type ProblemCode = keyof typeof problems
