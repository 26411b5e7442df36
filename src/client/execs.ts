import type { ExecEnd, ExecLine, ExecRun, StartExec } from '../wire/exec.ts'
import { ApiError, errorOf } from './api-error.ts'
import type { Asking } from './asking.ts'
import { newKey, unanswered, workspacePath as at } from './asking.ts'
import { pause, watched } from './event-feed.ts'
import { jsonLines } from './json-lines.ts'
import type { Source } from './piece.ts'
import { bytesOf, pieceOf, streamed } from './piece.ts'

export type RunSignal = 'SIGHUP' | 'SIGINT' | 'SIGQUIT' | 'SIGKILL' | 'SIGTERM' | 'SIGUSR1' | 'SIGUSR2'

export interface ExecWish {
  /** An argument list that no shell reads, or text for the shell of the workspace. */
  readonly command: string | readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  /** A user inside the workspace. */
  readonly user?: string
  /** What it reads; a stream of any length is sent as it is read. Nothing by default. */
  readonly stdin?: string | Uint8Array | Source
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
  | { readonly kind: 'lost'; readonly why: string; readonly againMs: number }
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
  kill(signal?: RunSignal): Promise<void>
}

const shortestPauseMs = 250
const longestPauseMs = 5000

/** `null`: from the oldest line that is kept. */
type Connect = (after: number | null, signal: AbortSignal) => Promise<Response>

export function execsOf({ api, ask, got, read }: Pick<Asking, 'api' | 'ask' | 'got' | 'read'>) {
  const path = (id: string, execId: string) => `${at(id)}/exec/${encodeURIComponent(execId)}`

  async function kill(id: string, execId: string, signal: RunSignal = 'SIGTERM'): Promise<void> {
    const answer = await got(`${api}${path(id, execId)}/kill`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ signal }),
    })
    await answer.body?.cancel()
  }

  const goOn =
    (id: string, execId: string): Connect =>
    (after, signal) =>
      ask(`${api}${path(id, execId)}?follow=true${after === null ? '' : `&after=${after}`}`, { signal })

  /** Sends a run its input. That it does not read it all is no failure, and a connection that is lost the run itself tells of. */
  async function feed(id: string, execId: string, source: Source, signal: AbortSignal): Promise<void> {
    const sent = streamed(source)
    try {
      const answer = await got(`${api}${path(id, execId)}/stdin`, {
        method: 'PUT',
        headers: { 'content-type': 'application/octet-stream' },
        ...sent,
        signal,
      })
      await answer.body?.cancel()
    } catch (error) {
      await sent.body.cancel().catch(() => {}) // fetch may have done so
      const isOver = signal.aborted || (error instanceof ApiError && [0, 404, 409].includes(error.status))
      if (!isOver) throw error
    }
  }

  return {
    /** Runs a command in a running workspace; nothing is asked before its events are read. */
    exec(id: string, wish: ExecWish): Exec {
      const execId = wish.execId ?? newKey()
      const { stdin } = wish
      const source = stdin === undefined || typeof stdin === 'string' || stdin instanceof Uint8Array ? undefined : stdin
      const begin: Connect = (_after, signal) =>
        ask(`${api}${at(id)}/exec`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(startOf(wish, execId)),
          signal,
        })
      const input = source && ((signal: AbortSignal) => feed(id, execId, source, signal))
      const events = followRun({ begin, goOn: goOn(id, execId), after: null, outer: wish.signal, input })
      return { execId, events, kill: (signal) => kill(id, execId, signal) }
    },
    /** Reads a run that was begun by whomever, after the line `after` or from the oldest that is kept. */
    attach(id: string, execId: string, { after, signal }: { after?: number; signal?: AbortSignal } = {}): Exec {
      const connect = goOn(id, execId)
      const events = followRun({ begin: connect, goOn: connect, after: after ?? null, outer: signal, input: undefined })
      return { execId, events, kill: (type) => kill(id, execId, type) }
    },
    /** The runs of a workspace, recent ones too. */
    runs: (id: string) => read<ExecRun[]>(`${at(id)}/exec`),
    /** Sends a signal to all that a run started. */
    kill,
  }
}

interface Following {
  readonly begin: Connect
  readonly goOn: Connect
  readonly after: number | null
  readonly outer: AbortSignal | undefined
  /** Sends its input, once it runs. */
  readonly input: ((signal: AbortSignal) => Promise<void>) | undefined
}

async function* followRun({ begin, goOn, after, outer, input }: Following): AsyncGenerator<ExecEvent, void, undefined> {
  const over = new AbortController()
  const end = () => over.abort()
  let seq = after
  let begun = false
  let tries = 0
  let pauseMs = shortestPauseMs
  /** The bytes that were told of, those that are missing too. */
  let told = 0
  /** Why it could not go on where it broke off: what is missing is what was not told, if some of the output is kept. */
  let outrun: ApiError | undefined
  /** Why its input could not be sent. */
  let refused: unknown
  outer?.addEventListener('abort', end)
  if (outer?.aborted === true) end()
  try {
    while (!over.signal.aborted) {
      let why = 'The connection was closed.'
      const life = watched(over.signal)
      try {
        const answer = await (begun ? goOn(outrun ? null : (seq ?? 0), life.signal) : begin(seq, life.signal))
        if (!answer.ok || !answer.body) throw await errorOf(answer)
        if (!begun)
          void input?.(over.signal).catch((error: unknown) => {
            refused = error
            end()
          })
        yield { kind: 'connected', resumed: begun }
        begun = true
        for await (const line of jsonLines<ExecLine>(answer.body)) {
          pauseMs = shortestPauseMs
          life.sign()
          if (line !== null && outrun && !('dropped_bytes' in line)) throw outrun // none of it is
          if (line === null || (seq !== null && line.seq <= seq)) continue
          seq = line.seq
          life.rest()
          const event = eventOf(line, outrun ? told : 0)
          outrun = undefined
          told += event.kind === 'output' ? event.bytes.length : event.kind === 'dropped' ? event.bytes : 0
          yield event
          life.sign()
          if ('duration_ms' in line) return
        }
      } catch (error) {
        if (over.signal.aborted) break
        const failure = error instanceof ApiError ? error : unanswered(error)
        // Without a place of the caller's to begin at, all is counted from the first line: as it is by the service for who names none.
        if (begun && after === null && !outrun && failure.code === 'output-gone') {
          outrun = failure
          continue
        }
        // A connection that was kept for later may have died meanwhile, and the same id is the same run.
        if (!begun && failure.status === 0 && tries++ === 0) continue
        if (!begun || (failure.status >= 400 && failure.status < 500)) throw failure
        why = failure.message
      } finally {
        life.end()
      }
      if (over.signal.aborted) break
      yield { kind: 'lost', why, againMs: pauseMs }
      await pause(pauseMs, over.signal)
      pauseMs = Math.min(2 * pauseMs, longestPauseMs)
    }
    if (refused !== undefined) throw refused
  } finally {
    outer?.removeEventListener('abort', end)
    end()
  }
}

/** `told`: so many of the bytes that the service says are missing are not. */
function eventOf(line: ExecLine, told: number): ExecEvent {
  if ('stream' in line) return { kind: 'output', seq: line.seq, stream: line.stream, bytes: bytesOf(line) }
  if ('dropped_bytes' in line) return { kind: 'dropped', seq: line.seq, bytes: line.dropped_bytes - told }
  return { kind: 'ended', ...line }
}

function startOf({ command, env, cwd, user, stdin, timeoutMs }: ExecWish, execId: string): StartExec {
  return {
    command: typeof command === 'string' ? command : [...command],
    exec_id: execId,
    ...(env !== undefined && { env: { ...env } }),
    ...(cwd !== undefined && { cwd }),
    ...(user !== undefined && { user }),
    ...(timeoutMs !== undefined && { timeout_ms: timeoutMs }),
    ...(stdin !== undefined && { stdin: stdinOf(stdin) }),
  }
}

function stdinOf(stdin: NonNullable<ExecWish['stdin']>): NonNullable<StartExec['stdin']> {
  if (typeof stdin !== 'string' && !(stdin instanceof Uint8Array)) return 'stream'
  const { data, encoding = 'utf8' } = pieceOf(typeof stdin === 'string' ? new TextEncoder().encode(stdin) : stdin)
  return { data, encoding } // in this form the text `stream` is a text too
}
