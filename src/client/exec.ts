import type { ExecEnd, ExecLine, StartExecBody } from '../wire/runtime/exec.ts'
import { ApiError, apiErrorFrom } from './api-error.ts'
import type { ByteSource } from './bytes.ts'
import { streamingBody } from './bytes.ts'
import { decodeBytes, encodeBytes } from './bytes.ts'
import type { HttpTransport } from './http-transport.ts'
import { jsonBody, randomId, workspacePath } from './http-transport.ts'
import { parseNdjson } from './ndjson.ts'
import type { ConnectionEnd, DisconnectedEvent } from './reconnect.ts'
import { connectionClosed, inactivityTimeout, linkedAbort, reconnect, retryableFailure } from './reconnect.ts'
import type { ReadBody } from './response-body.ts'

export type ExecSignal = 'SIGHUP' | 'SIGINT' | 'SIGQUIT' | 'SIGKILL' | 'SIGTERM' | 'SIGUSR1' | 'SIGUSR2'

export interface ClientExecOptions {
  /** An argument list that is run without a shell, or text for the shell of the workspace. */
  readonly command: string | readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  /** A user inside the workspace. */
  readonly user?: string
  /** Input of any length; a stream is sent as it is read. Default: none. */
  readonly stdin?: string | Uint8Array | ByteSource
  /** The command and everything it started are killed after this time. */
  readonly timeoutMs?: number
  /** Repeating a request with the same id attaches to the same exec session. Default: a new id. */
  readonly execId?: string
  /** Ends the events when aborted. The command goes on; {@link Exec.kill} ends it. */
  readonly signal?: AbortSignal
}

/** `seq` is what `attach` takes as `after`. */
export type ExecEvent =
  /** `resumed`: the connection was lost before, and output continues where it broke off. */
  | { readonly kind: 'connected'; readonly resumed: boolean }
  | { readonly kind: 'output'; readonly seq: number; readonly stream: 'stdout' | 'stderr'; readonly bytes: Uint8Array }
  /** `bytes` of output are missing here: they were not read for a minute, or did not fit into the buffer while the connection was lost. */
  | { readonly kind: 'dropped'; readonly seq: number; readonly bytes: number }
  | DisconnectedEvent
  /** The last event. Has exactly one of `exit_code`, `signal` and `error`. */
  | ({ readonly kind: 'ended' } & ExecEnd)

export interface Exec {
  readonly execId: string
  /**
   * Read these once, and to the end: the command is suspended while its output is not read. They survive lost connections without a gap or
   * a duplicate; where output did not fit into the buffer meanwhile, `dropped` says how much.
   * @throws {ApiError} when the service refuses, does not answer the first time, or no longer has the output.
   */
  readonly events: AsyncIterable<ExecEvent>
  /** Sends a signal to the command and everything it started. Succeeds also when it has ended. */
  kill(signal?: ExecSignal): Promise<void>
}

/** `after` is `null` for all output that the service has buffered. */
type OpenExec = (after: number | null, signal: AbortSignal) => Promise<Response>

type ExecTransport = Pick<HttpTransport, 'api' | 'request' | 'readBody' | 'send' | 'getJson'>

export function execApi({ api, request, readBody, send, getJson }: ExecTransport) {
  const execPath = (id: string, execId: string) => `${workspacePath(id)}/exec/${encodeURIComponent(execId)}`

  const kill = (id: string, execId: string, signal: ExecSignal = 'SIGTERM') =>
    send('POST', `${execPath(id, execId)}/kill`, jsonBody({ signal }))

  const resume =
    (id: string, execId: string): OpenExec =>
    (after, signal) =>
      request(`${api}${execPath(id, execId)}?follow=true${after === null ? '' : `&after=${after}`}`, { signal })

  /** A command need not read all of its input, and the events report a lost connection: neither is an error here. */
  async function sendStdin(id: string, execId: string, source: ByteSource, signal: AbortSignal): Promise<void> {
    const upload = streamingBody(source)
    const headers = { 'content-type': 'application/octet-stream' }
    try {
      await send('PUT', `${execPath(id, execId)}/stdin`, { headers, ...upload, signal })
    } catch (error) {
      await upload.body.cancel().catch(() => {}) // fetch may have cancelled it
      const isExpected = signal.aborted || (error instanceof ApiError && [0, 404, 409].includes(error.status))
      if (!isExpected) throw error
    }
  }

  return {
    /** Runs a command in a running workspace. Nothing is sent before the events are read. */
    exec(id: string, options: ClientExecOptions): Exec {
      const { execId = randomId(), stdin, signal: callerSignal } = options
      const source = stdin === undefined || typeof stdin === 'string' || stdin instanceof Uint8Array ? undefined : stdin
      const start: OpenExec = (_after, signal) =>
        request(`${api}${workspacePath(id)}/exec`, {
          method: 'POST',
          ...jsonBody(toStartExecBody(options, execId)),
          signal,
        })
      const sendInput = source && ((signal: AbortSignal) => sendStdin(id, execId, source, signal))
      const events = followExec({
        start,
        resume: resume(id, execId),
        readBody,
        after: null,
        callerSignal,
        sendInput,
      })
      return { execId, events, kill: (signal) => kill(id, execId, signal) }
    },
    /** Attaches to an existing exec session, whoever started it: after the line `after`, or from the oldest buffered line. */
    attach(id: string, execId: string, { after, signal }: { after?: number; signal?: AbortSignal } = {}): Exec {
      const open = resume(id, execId)
      const events = followExec({
        start: open,
        resume: open,
        readBody,
        after: after ?? null,
        callerSignal: signal,
        sendInput: undefined,
      })
      return { execId, events, kill: (killSignal) => kill(id, execId, killSignal) }
    },
    /** The running and recent exec sessions of a workspace. */
    listExecs: (id: string) => getJson('execSummaries', `${workspacePath(id)}/exec`),
    /** Sends a signal to a command and everything it started. Succeeds also when it has ended. */
    kill,
  }
}

interface FollowExecOptions {
  readonly start: OpenExec
  readonly resume: OpenExec
  readonly readBody: ReadBody
  readonly after: number | null
  readonly callerSignal: AbortSignal | undefined
  /** Sends the input; called once the command runs. */
  readonly sendInput: ((signal: AbortSignal) => Promise<void>) | undefined
}

async function* followExec(options: FollowExecOptions): AsyncGenerator<ExecEvent, void, undefined> {
  const { readBody, after, callerSignal, sendInput } = options
  const { signal, abort, unlink } = linkedAbort(callerSignal)
  const position = execPosition(after)
  let started = false
  let startAttempts = 0
  let inputError: unknown

  async function* connect(resetBackoff: () => void): AsyncGenerator<ExecEvent, ConnectionEnd, undefined> {
    const inactivity = inactivityTimeout(signal)
    const open = started ? options.resume : options.start
    try {
      if (!started) startAttempts++
      const response = await open(position.after(started), inactivity.signal)
      if (!response.ok || !response.body) throw await apiErrorFrom(response)
      if (!started)
        void sendInput?.(signal).catch((error: unknown) => {
          inputError = error
          abort()
        })
      yield { kind: 'connected', resumed: started }
      started = true
      for await (const body of inactivity.watch(parseNdjson(response.body))) {
        resetBackoff()
        const event = body === null ? undefined : position.advance(readBody('execLine', body))
        if (!event) continue
        yield event
        if (event.kind === 'ended') return { kind: 'complete' }
      }
      return connectionClosed
    } finally {
      inactivity.dispose()
    }
  }

  function recover(error: unknown): ConnectionEnd {
    if (error instanceof ApiError && error.code === 'output-gone' && started && position.skipToOldest(error))
      return { kind: 'restart' }
    const failure = retryableFailure(error)
    // A pooled connection may have died, and repeating a start is safe: the same id is the same exec session.
    if (!started && failure.status === 0 && startAttempts === 1) return { kind: 'restart' }
    if (!started) throw failure
    return { kind: 'closed', reason: failure.message }
  }

  try {
    yield* reconnect<ExecEvent>({ connect, recover, signal })
    if (inputError !== undefined) throw inputError
  } finally {
    unlink()
    abort()
  }
}

/** The position in the output of an exec session. */
function execPosition(initialSeq: number | null) {
  let lastSeq = initialSeq
  /** Delivered bytes, and those that were reported as missing. */
  let deliveredBytes = 0
  /** Set while the position is lost: the service no longer has the line after it. */
  let truncationError: ApiError | undefined
  return {
    /** The line to read on after. Once output was read, a gap must show: `null` would hide it. */
    after(started: boolean): number | null {
      if (truncationError) return null
      return started ? (lastSeq ?? 0) : lastSeq
    },
    /** Continues at the oldest buffered line. Returns false after a position chosen by the caller: how many bytes are missing is then unknown. */
    skipToOldest(error: ApiError): boolean {
      if (initialSeq !== null || truncationError) return false
      truncationError = error
      return true
    },
    /** Returns the event of a line, or nothing if it was delivered before. @throws {ApiError} if all output after the position is gone. */
    advance(line: ExecLine): ExecEvent | undefined {
      if (truncationError && !('dropped_bytes' in line)) throw truncationError
      if (lastSeq !== null && line.seq <= lastSeq) return undefined
      lastSeq = line.seq
      // After a skip the service counts missing bytes from the first line on, so delivered ones are among them.
      const event = toExecEvent(line, truncationError ? deliveredBytes : 0)
      truncationError = undefined
      if (event.kind === 'output') deliveredBytes += event.bytes.length
      if (event.kind === 'dropped') deliveredBytes += event.bytes
      return event
    },
  }
}

/** `deliveredBytes` of those that the service reports as dropped were delivered. */
function toExecEvent(line: ExecLine, deliveredBytes: number): ExecEvent {
  if ('stream' in line) return { kind: 'output', seq: line.seq, stream: line.stream, bytes: decodeBytes(line) }
  if ('dropped_bytes' in line) return { kind: 'dropped', seq: line.seq, bytes: line.dropped_bytes - deliveredBytes }
  return { kind: 'ended', ...line }
}

function toStartExecBody(
  { command, env, cwd, user, stdin, timeoutMs }: ClientExecOptions,
  execId: string,
): StartExecBody {
  return {
    command: typeof command === 'string' ? command : [...command],
    exec_id: execId,
    ...(env !== undefined && { env: { ...env } }),
    ...(cwd !== undefined && { cwd }),
    ...(user !== undefined && { user }),
    ...(timeoutMs !== undefined && { timeout_ms: timeoutMs }),
    ...(stdin !== undefined && { stdin: toStdin(stdin) }),
  }
}

function toStdin(stdin: NonNullable<ClientExecOptions['stdin']>): NonNullable<StartExecBody['stdin']> {
  if (typeof stdin !== 'string' && !(stdin instanceof Uint8Array)) return 'stream'
  const { data, encoding = 'utf8' } = encodeBytes(typeof stdin === 'string' ? new TextEncoder().encode(stdin) : stdin)
  return { data, encoding } // not as plain text: the text "stream" has a meaning of its own
}
