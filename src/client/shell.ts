import type { ShellNotice } from '../wire/shell.ts'
import type { Ticket } from '../wire/ticket.ts'
import { ApiError, errorOf } from './api-error.ts'
import { pause } from './event-feed.ts'
import { shellFrames } from './shell-frames.ts'

/** The part of a WebSocket that a shell needs. The browser's own has it, and so has that of `ws`. */
export interface ShellSocket {
  binaryType: string
  readonly bufferedAmount: number
  addEventListener(type: 'message', heard: (event: { readonly data: unknown }) => void): void
  addEventListener(type: 'close' | 'error', heard: () => void): void
  send(data: string | Uint8Array<ArrayBuffer>): void
  close(code?: number, reason?: string): void
  /** `ws` has these two: whoever does not read then holds the shell up, instead of collecting what it writes. */
  pause?(): void
  resume?(): void
}

/** How a shell ended: one of these says it. */
export interface ShellEnd {
  readonly exit_code?: number | undefined
  readonly signal?: string | undefined
  readonly error?: string | undefined
}

/** What is told of a shell, in order. */
export type ShellEvent =
  /**
   * The shell is there. `resumed`: it goes on after a lost connection, or a session was given. What is shown already is void then: a screen of one's own is
   * reset, and the bytes that follow draw the screen as it was. They begin with what clears a terminal, so one that cannot be reset needs nothing.
   */
  | { readonly kind: 'connected'; readonly session: string; readonly resumed: boolean }
  | { readonly kind: 'output'; readonly bytes: Uint8Array }
  /** The connection is gone; another is tried in `againMs`. What is typed meanwhile is dropped. */
  | { readonly kind: 'lost'; readonly why: string; readonly againMs: number }
  /** Another client has taken the session over. The last event. */
  | { readonly kind: 'taken-over' }
  /** The shell has ended. The last event. */
  | ({ readonly kind: 'ended' } & ShellEnd)

export interface ShellSize {
  readonly columns: number
  readonly rows: number
}

export interface ShellWish extends ShellSize {
  /** Opens a WebSocket at this address: `(url) => new WebSocket(url)`; `ws` can send headers along. */
  readonly connect: (url: string) => ShellSocket
  /** A program and its arguments in place of the shell. */
  readonly argv?: readonly string[]
  /** Who runs it in the workspace. */
  readonly user?: string
  /** Goes back to this session; a new one begins otherwise. */
  readonly session?: string
  /** Aborted: the connection is closed, and the events end. The session is kept for five minutes. */
  readonly signal: AbortSignal
}

export interface Shell {
  /**
   * To be read once, and read on: the shell is held up by whoever does not (with `ws`), or connected anew and shown from its screen (in a
   * browser). @throws {ApiError} when the service refuses, or does not answer the first time.
   */
  readonly events: AsyncIterable<ShellEvent>
  /** Types into it. Without a connection it is dropped. */
  type(input: string | Uint8Array): void
  /** Changes the size of the terminal, also for connections to come. */
  resize(size: ShellSize): void
  /** Ends the shell, and the events: its processes are sent SIGHUP, as when a terminal is closed. */
  hangUp(): void
}

export interface ShellDeps {
  /** The address of the workspace's shell: `http://…/api/v1/workspaces/<id>/shell`. */
  readonly url: string
  readonly ticket: () => Promise<Ticket>
  /** Asks as the same user over plain HTTP: it says why a connection was refused, which WebSockets do not. */
  readonly ask: (url: string) => Promise<Response>
}

const shortestPauseMs = 250
const longestPauseMs = 5000
/** The service closes a connection over a frame above 1 MiB. */
const frameBytes = 256 * 1024
const done = 1000

/** Opens a shell, once its events are read; a lost connection is opened again, to the same session, until the shell has ended. */
export function openShell({ url, ticket, ask }: ShellDeps, wish: ShellWish): Shell {
  const over = new AbortController()
  const end = () => over.abort()
  const encoder = new TextEncoder()
  let size: ShellSize = wish
  let session = wish.session
  /** Where the shell is; `null`: there is no connection to it. */
  let socket: ShellSocket | null = null

  function address(query: Readonly<Record<string, string>>): string {
    const search = new URLSearchParams({
      columns: String(size.columns),
      rows: String(size.rows),
      ...(session === undefined ? wish.user !== undefined && { user: wish.user } : { session }),
      ...query,
    })
    if (session === undefined) for (const word of wish.argv ?? []) search.append('argv', word)
    return `${url}?${search.toString()}`
  }

  /** One connection. Answers true if there is nothing to come back to. */
  async function* connection(): AsyncGenerator<ShellEvent, boolean, undefined> {
    const permit = await ticket()
    const asked = size
    const opened = wish.connect(address({ ticket: permit.ticket }).replace(/^http/, 'ws'))
    let began = false
    try {
      for await (const frame of shellFrames(opened, over.signal)) {
        if (frame.kind === 'bytes') yield { kind: 'output', bytes: frame.bytes }
        else if (frame.notice.type === 'session') {
          began = true
          socket = opened
          session = frame.notice.session
          if (size !== asked) sendSize()
          yield { kind: 'connected', session, resumed: frame.notice.resumed }
        } else {
          yield ending(frame.notice)
          return true
        }
      }
    } finally {
      socket = null
    }
    if (!began && !over.signal.aborted) throw await refusal()
    return over.signal.aborted
  }

  /** Why the service did not open the socket. Whoever asks without an upgrade is refused in the same words, or for that alone. */
  async function refusal(): Promise<ApiError> {
    const error = await errorOf(await ask(address({})))
    return error.code === 'upgrade-required' ? new ApiError(0, noWebSocket) : error
  }

  async function* follow(): AsyncGenerator<ShellEvent, void, undefined> {
    let pauseMs = shortestPauseMs
    let begun = false
    while (!over.signal.aborted) {
      let why = 'The connection was closed.'
      try {
        for (const one = connection(); ; ) {
          const { done: closed, value } = await one.next()
          if (closed === true && value) return
          if (closed === true) break
          if (value.kind === 'connected') [begun, pauseMs] = [true, shortestPauseMs]
          yield value
        }
      } catch (error) {
        if (!(error instanceof ApiError)) throw error
        // It ended, or its workspace did, while nobody was connected.
        if (begun && (error.status === 404 || error.status === 409)) {
          yield { kind: 'ended', error: error.message }
          return
        }
        if (!begun || (error.status >= 400 && error.status < 500)) throw error
        why = error.message
      }
      if (over.signal.aborted) return
      yield { kind: 'lost', why, againMs: pauseMs }
      await pause(pauseMs, over.signal)
      pauseMs = Math.min(2 * pauseMs, longestPauseMs)
    }
  }

  async function* events(): AsyncGenerator<ShellEvent, void, undefined> {
    if (wish.signal.aborted) end()
    wish.signal.addEventListener('abort', end)
    try {
      yield* follow()
    } finally {
      wish.signal.removeEventListener('abort', end)
      end()
    }
  }

  function sendSize() {
    socket?.send(JSON.stringify({ type: 'resize', columns: size.columns, rows: size.rows }))
  }

  return {
    events: events(),
    type(input) {
      const bytes = typeof input === 'string' ? encoder.encode(input) : input
      for (let at = 0; at < bytes.length; at += frameBytes) socket?.send(bytes.slice(at, at + frameBytes))
    },
    resize(next) {
      size = next
      sendSize()
    },
    hangUp() {
      socket?.close(done, 'hung up')
      end()
    },
  }
}

function ending(notice: Exclude<ShellNotice, { type: 'session' }>): ShellEvent {
  const { type: kind, ...how } = notice
  return kind === 'ended' ? { kind, ...how } : { kind }
}

const noWebSocket = {
  code: 'no-websocket',
  error:
    'The service would open the shell, but the WebSocket to it cannot be opened. A proxy in between has to pass upgrades on, and the Host as it is.',
}
