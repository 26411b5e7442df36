import type { ExecEnd, ExecLine, ExecSummary, StartExecBody } from '../wire/runtime/exec.ts'
import { ApiError, apiErrorFrom } from './api-error.ts'
import type { HttpTransport } from './http-transport.ts'
import { randomId, connectionError, workspacePath as at } from './http-transport.ts'
import { delayUnlessAborted, inactivityTimeout } from './event-feed.ts'
import { parseNdjson } from './ndjson.ts'
import type { ByteSource } from './encoded-bytes.ts'
import { decodeBytes, encodeBytes, streamingBody } from './encoded-bytes.ts'

export type ExecSignal = 'SIGHUP' | 'SIGINT' | 'SIGQUIT' | 'SIGKILL' | 'SIGTERM' | 'SIGUSR1' | 'SIGUSR2'

export interface ClientExecOptions {
  /** An argument list that no shell reads, or text for the shell of the workspace. */
  readonly command: string | readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  /** A user inside the workspace. */
  readonly user?: string
  /** What it reads; a stream of any length is sent as it is read. Nothing by default. */
  readonly stdin?: string | Uint8Array | ByteSource
  /** After so long it is killed, with all that it started. */
  readonly timeoutMs?: number
  /** The same again is the same run, and runs nothing. By default a new one. */
  readonly execId?: string
  /** Aborted: the events end. The run goes on; {@link Exec.kill} ends it. */
  readonly signal?: AbortSignal
}

/** What is told of a run, in order. `seq` is what `attach` takes as `after`. */
export type ExecEvent =
  /** It runs, or has run. `resumed`: the connection was lost, and this one goes on where that broke off. */
  | { readonly kind: 'connected'; readonly resumed: boolean }
  | { readonly kind: 'output'; readonly seq: number; readonly stream: 'stdout' | 'stderr'; readonly bytes: Uint8Array }
  /** So many bytes of output are missing here: nobody read them for a minute, or they were too many while the connection was away. */
  | { readonly kind: 'dropped'; readonly seq: number; readonly bytes: number }
  /** The connection is gone; another is tried in `againMs`. */
  | { readonly kind: 'lost'; readonly reason: string; readonly retryInMs: number }
  /** It has ended: one of `exit_code`, `signal` and `error` says how. The last event. */
  | ({ readonly kind: 'ended' } & ExecEnd)

export interface Exec {
  readonly execId: string
  /**
   * To be read once, and read on: whoever does not holds the command up. They outlive lost connections without a gap or a repeat; where
   * more was written meanwhile than is kept, `dropped` says how much.
   * @throws {ApiError} when the service refuses, does not answer the first time, or does not keep the output after the line to begin at, or any of it.
   */
  readonly events: AsyncIterable<ExecEvent>
  /** Sends a signal to all that the run started. It may have ended already. */
  kill(signal?: ExecSignal): Promise<void>
}

const minBackoffMs = 250
const maxBackoffMs = 5000

/** `null`: from the oldest line that is kept. */
type ConnectExec = (after: number | null, signal: AbortSignal) => Promise<Response>

export function execApi({
  api,
  ask: request,
  got: requestOk,
  read: getJson,
}: Pick<HttpTransport, 'api' | 'ask' | 'got' | 'read'>) {
  const execPath = (id: string, execId: string) => `${at(id)}/exec/${encodeURIComponent(execId)}`

  async function kill(id: string, execId: string, signal: ExecSignal = 'SIGTERM'): Promise<void> {
    const response = await requestOk(`${api}${execPath(id, execId)}/kill`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ signal }),
    })
    await response.body?.cancel()
  }

  const resume =
    (id: string, execId: string): ConnectExec =>
    (after, signal) =>
      request(`${api}${execPath(id, execId)}?follow=true${after === null ? '' : `&after=${after}`}`, { signal })

  /** Sends a run its input. That it does not read it all is no failure, and a connection that is lost the run itself tells of. */
  async function sendStdin(id: string, execId: string, source: ByteSource, signal: AbortSignal): Promise<void> {
    const upload = streamingBody(source)
    try {
      const response = await requestOk(`${api}${execPath(id, execId)}/stdin`, {
        method: 'PUT',
        headers: { 'content-type': 'application/octet-stream' },
        ...upload,
        signal,
      })
      await response.body?.cancel()
    } catch (error) {
      await upload.body.cancel().catch(() => {}) // fetch may have done so
      const isOver = signal.aborted || (error instanceof ApiError && [0, 404, 409].includes(error.status))
      if (!isOver) throw error
    }
  }

  return {
    /** Runs a command in a running workspace; nothing is asked before its events are read. */
    exec(id: string, options: ClientExecOptions): Exec {
      const execId = options.execId ?? randomId()
      const { stdin } = options
      const source = stdin === undefined || typeof stdin === 'string' || stdin instanceof Uint8Array ? undefined : stdin
      const start: ConnectExec = (_after, signal) =>
        request(`${api}${at(id)}/exec`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(toStartExecBody(options, execId)),
          signal,
        })
      const sendInput = source && ((signal: AbortSignal) => sendStdin(id, execId, source, signal))
      const events = followExec({
        start,
        resume: resume(id, execId),
        after: null,
        callerSignal: options.signal,
        sendInput,
      })
      return { execId, events, kill: (signal) => kill(id, execId, signal) }
    },
    /** Reads a run that was begun by whomever, after the line `after` or from the oldest that is kept. */
    attach(id: string, execId: string, { after, signal }: { after?: number; signal?: AbortSignal } = {}): Exec {
      const resumeExec = resume(id, execId)
      const events = followExec({
        start: resumeExec,
        resume: resumeExec,
        after: after ?? null,
        callerSignal: signal,
        sendInput: undefined,
      })
      return { execId, events, kill: (killSignal) => kill(id, execId, killSignal) }
    },
    /** The runs of a workspace, recent ones too. */
    listExecs: (id: string) => getJson<ExecSummary[]>(`${at(id)}/exec`),
    /** Sends a signal to all that a run started. */
    kill,
  }
}

interface FollowExecOptions {
  readonly start: ConnectExec
  readonly resume: ConnectExec
  readonly after: number | null
  readonly callerSignal: AbortSignal | undefined
  /** Sends its input, once it runs. */
  readonly sendInput: ((signal: AbortSignal) => Promise<void>) | undefined
}

async function* followExec({
  start,
  resume,
  after,
  callerSignal,
  sendInput,
}: FollowExecOptions): AsyncGenerator<ExecEvent, void, undefined> {
  const abortController = new AbortController()
  const abort = () => abortController.abort()
  let lastSeq = after
  let started = false
  let retries = 0
  let backoffMs = minBackoffMs
  /** The bytes that were told of, those that are missing too. */
  let deliveredBytes = 0
  /** Why it could not go on where it broke off: what is missing is what was not told, if some of the output is kept. */
  let truncationError: ApiError | undefined
  /** Why its input could not be sent. */
  let inputError: unknown
  callerSignal?.addEventListener('abort', abort)
  if (callerSignal?.aborted === true) abort()
  try {
    while (!abortController.signal.aborted) {
      let reason = 'The connection was closed.'
      const inactivity = inactivityTimeout(abortController.signal)
      try {
        const response = await (started
          ? resume(truncationError ? null : (lastSeq ?? 0), inactivity.signal)
          : start(lastSeq, inactivity.signal))
        if (!response.ok || !response.body) throw await apiErrorFrom(response)
        if (!started)
          void sendInput?.(abortController.signal).catch((error: unknown) => {
            inputError = error
            abort()
          })
        yield { kind: 'connected', resumed: started }
        started = true
        for await (const line of parseNdjson<ExecLine>(response.body)) {
          backoffMs = minBackoffMs
          inactivity.reset()
          if (line !== null && truncationError && !('dropped_bytes' in line)) throw truncationError // none of it is
          if (line === null || (lastSeq !== null && line.seq <= lastSeq)) continue
          lastSeq = line.seq
          inactivity.suspend()
          const event = toExecEvent(line, truncationError ? deliveredBytes : 0)
          truncationError = undefined
          deliveredBytes += event.kind === 'output' ? event.bytes.length : event.kind === 'dropped' ? event.bytes : 0
          yield event
          inactivity.reset()
          if ('duration_ms' in line) return
        }
      } catch (error) {
        if (abortController.signal.aborted) break
        const failure = error instanceof ApiError ? error : connectionError(error)
        // Without a place of the caller's to begin at, all is counted from the first line: as it is by the service for who names none.
        if (started && after === null && !truncationError && failure.code === 'output-gone') {
          truncationError = failure
          continue
        }
        // A connection that was kept for later may have died meanwhile, and the same id is the same run.
        if (!started && failure.status === 0 && retries++ === 0) continue
        if (!started || (failure.status >= 400 && failure.status < 500)) throw failure
        reason = failure.message
      } finally {
        inactivity.dispose()
      }
      if (abortController.signal.aborted) break
      yield { kind: 'lost', reason, retryInMs: backoffMs }
      await delayUnlessAborted(backoffMs, abortController.signal)
      backoffMs = Math.min(2 * backoffMs, maxBackoffMs)
    }
    if (inputError !== undefined) throw inputError
  } finally {
    callerSignal?.removeEventListener('abort', abort)
    abort()
  }
}

/** `told`: so many of the bytes that the service says are missing are not. */
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
  return { data, encoding } // in this form the text `stream` is a text too
}
