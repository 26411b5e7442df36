import type { ShellServerMessage, Ticket } from '../wire/runtime/shell.ts'
import { ApiError, apiErrorFrom } from './api-error.ts'
import { delayUnlessAborted } from './event-feed.ts'
import { shellFrames } from './shell-frames.ts'

/** The part of a WebSocket that a shell needs. The browser's own has it, and so has that of `ws`. */
export interface ShellSocket {
  binaryType: string
  readonly bufferedAmount: number
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void
  addEventListener(type: 'close' | 'error', listener: () => void): void
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
  | { readonly kind: 'lost'; readonly reason: string; readonly retryInMs: number }
  /** Another client has taken the session over. The last event. */
  | { readonly kind: 'taken-over' }
  /** The shell has ended. The last event. */
  | ({ readonly kind: 'ended' } & ShellEnd)

export interface ShellSize {
  readonly columns: number
  readonly rows: number
}

export interface ClientShellOptions extends ShellSize {
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
  write(input: string | Uint8Array): void
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
  readonly request: (url: string) => Promise<Response>
}

const minBackoffMs = 250
const maxBackoffMs = 5000
/** The service closes a connection over a frame above 1 MiB. */
const maxFrameBytes = 256 * 1024
const normalCloseCode = 1000

/** Opens a shell, once its events are read; a lost connection is opened again, to the same session, until the shell has ended. */
export function openShell({ url, ticket, request }: ShellDeps, options: ClientShellOptions): Shell {
  const abortController = new AbortController()
  const abort = () => abortController.abort()
  const encoder = new TextEncoder()
  let size: ShellSize = options
  let session = options.session
  /** Where the shell is; `null`: there is no connection to it. */
  let socket: ShellSocket | null = null

  function urlWith(query: Readonly<Record<string, string>>): string {
    const search = new URLSearchParams({
      columns: String(size.columns),
      rows: String(size.rows),
      ...(session === undefined ? options.user !== undefined && { user: options.user } : { session }),
      ...query,
    })
    if (session === undefined) for (const argument of options.argv ?? []) search.append('argv', argument)
    return `${url}?${search.toString()}`
  }

  /** One connection. Answers true if there is nothing to come back to. */
  async function* connectOnce(): AsyncGenerator<ShellEvent, boolean, undefined> {
    const issuedTicket = await ticket()
    const requestedSize = size
    const openedSocket = options.connect(urlWith({ ticket: issuedTicket.ticket }).replace(/^http/, 'ws'))
    let sessionStarted = false
    try {
      for await (const frame of shellFrames(openedSocket, abortController.signal)) {
        if (frame.kind === 'bytes') yield { kind: 'output', bytes: frame.bytes }
        else if (frame.message.type === 'session') {
          sessionStarted = true
          socket = openedSocket
          session = frame.message.session
          if (size !== requestedSize) sendSize()
          yield { kind: 'connected', session, resumed: frame.message.resumed }
        } else {
          yield toFinalEvent(frame.message)
          return true
        }
      }
    } finally {
      socket = null
    }
    if (!sessionStarted && !abortController.signal.aborted) throw await refusalError()
    return abortController.signal.aborted
  }

  /** Why the service did not open the socket. Whoever asks without an upgrade is refused in the same words, or for that alone. */
  async function refusalError(): Promise<ApiError> {
    const error = await apiErrorFrom(await request(urlWith({})))
    return error.code === 'upgrade-required' ? new ApiError(0, webSocketUnavailable) : error
  }

  async function* reconnectUntilEnded(): AsyncGenerator<ShellEvent, void, undefined> {
    let backoffMs = minBackoffMs
    let connectedBefore = false
    while (!abortController.signal.aborted) {
      let reason = 'The connection was closed.'
      try {
        for (const connection = connectOnce(); ; ) {
          const { done: isClosed, value } = await connection.next()
          if (isClosed === true && value) return
          if (isClosed === true) break
          if (value.kind === 'connected') [connectedBefore, backoffMs] = [true, minBackoffMs]
          yield value
        }
      } catch (error) {
        if (!(error instanceof ApiError)) throw error
        // It ended, or its workspace did, while nobody was connected.
        if (connectedBefore && (error.status === 404 || error.status === 409)) {
          yield { kind: 'ended', error: error.message }
          return
        }
        if (!connectedBefore || (error.status >= 400 && error.status < 500)) throw error
        reason = error.message
      }
      if (abortController.signal.aborted) return
      yield { kind: 'lost', reason, retryInMs: backoffMs }
      await delayUnlessAborted(backoffMs, abortController.signal)
      backoffMs = Math.min(2 * backoffMs, maxBackoffMs)
    }
  }

  async function* events(): AsyncGenerator<ShellEvent, void, undefined> {
    if (options.signal.aborted) abort()
    options.signal.addEventListener('abort', abort)
    try {
      yield* reconnectUntilEnded()
    } finally {
      options.signal.removeEventListener('abort', abort)
      abort()
    }
  }

  function sendSize() {
    socket?.send(JSON.stringify({ type: 'resize', columns: size.columns, rows: size.rows }))
  }

  return {
    events: events(),
    write(input) {
      const bytes = typeof input === 'string' ? encoder.encode(input) : input
      for (let offset = 0; offset < bytes.length; offset += maxFrameBytes)
        socket?.send(bytes.slice(offset, offset + maxFrameBytes))
    },
    resize(newSize) {
      size = newSize
      sendSize()
    },
    hangUp() {
      socket?.close(normalCloseCode, 'hung up')
      abort()
    },
  }
}

function toFinalEvent(message: Exclude<ShellServerMessage, { type: 'session' }>): ShellEvent {
  const { type: kind, ...exit } = message
  return kind === 'ended' ? { kind, ...exit } : { kind }
}

const webSocketUnavailable = {
  code: 'no-websocket',
  error:
    'The service would open the shell, but the WebSocket to it cannot be opened. A proxy in between has to pass upgrades on, and the Host as it is.',
}
