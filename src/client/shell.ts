import type { ShellServerMessage, Ticket } from '../wire/runtime/shell.ts'
import { ApiError, apiErrorFrom } from './api-error.ts'
import type { ConnectionEnd, DisconnectedEvent } from './reconnect.ts'
import { connectionClosed, linkedAbort, reconnect, retryableFailure } from './reconnect.ts'
import type { ReadBody } from './response-body.ts'
import type { ShellSocket } from './shell-frames.ts'
import { shellFrames } from './shell-frames.ts'

/** How a shell ended: exactly one of these is set. */
export interface ShellEnd {
  readonly exit_code?: number | undefined
  readonly signal?: string | undefined
  readonly error?: string | undefined
}

export type ShellEvent =
  /**
   * `resumed`: the session existed before. Reset your terminal then: the bytes that follow redraw the screen. They start with an escape
   * sequence that clears it, so a terminal that cannot be reset works too.
   */
  | { readonly kind: 'connected'; readonly session: string; readonly resumed: boolean }
  | { readonly kind: 'output'; readonly bytes: Uint8Array }
  /** Input is discarded until the next `connected`. */
  | DisconnectedEvent
  /** The last event: another client has taken over the session. */
  | { readonly kind: 'taken-over' }
  /** The last event: the shell has ended. */
  | ({ readonly kind: 'ended' } & ShellEnd)

export interface ShellSize {
  readonly columns: number
  readonly rows: number
}

export interface ClientShellOptions extends ShellSize {
  /** Opens a WebSocket: `(url) => new WebSocket(url)`. With `ws`, headers can be sent along. */
  readonly connect: (url: string) => ShellSocket
  /** A program and its arguments, instead of the shell. */
  readonly argv?: readonly string[]
  /** A user inside the workspace. */
  readonly user?: string
  /** Returns to an existing session. Default: a new one. */
  readonly session?: string
  /** Aborting closes the connection and ends the events. The service keeps the session for five minutes. */
  readonly signal: AbortSignal
}

export interface Shell {
  /**
   * Read these once, and to the end. While they are not read, the shell is suspended (with `ws`), or reconnected and redrawn later (in
   * browsers). @throws {ApiError} when the service refuses, or does not answer the first time.
   */
  readonly events: AsyncIterable<ShellEvent>
  /** Sends input. Discarded without a connection. */
  write(input: string | Uint8Array): void
  /** Changes the size of the terminal, also for later connections. */
  resize(size: ShellSize): void
  /** Ends the shell and the events. Its processes receive SIGHUP, as when a terminal is closed. */
  hangUp(): void
}

export interface ShellDeps {
  /** The address of the workspace's shell: `http://…/api/v1/workspaces/<id>/shell`. */
  readonly url: string
  readonly ticket: () => Promise<Ticket>
  /** A plain HTTP request as the same caller: its response says why a connection was refused, which a WebSocket does not. */
  readonly request: (url: string) => Promise<Response>
  readonly readBody: ReadBody
}

/** The service closes a connection that sends a frame above 1 MiB. */
const maxFrameBytes = 256 * 1024
const normalCloseCode = 1000

/** Opens a shell once its events are read, and reconnects to the same session until the shell has ended. */
export function openShell(deps: ShellDeps, options: ClientShellOptions): Shell {
  const { signal, abort, unlink } = linkedAbort(options.signal)
  const encoder = new TextEncoder()
  const terminal: TerminalState = { size: options, session: options.session, socket: null }
  let connectedBefore = false

  async function* connect(resetBackoff: () => void): AsyncGenerator<ShellEvent, ConnectionEnd, undefined> {
    try {
      const onConnected = () => {
        connectedBefore = true
        resetBackoff()
      }
      return yield* connectOnce(deps, options, terminal, { signal, onConnected })
    } catch (error) {
      const hasEnded = error instanceof ApiError && (error.status === 404 || error.status === 409)
      if (!connectedBefore || !hasEnded) throw error
      // The shell or its workspace ended while there was no connection.
      yield { kind: 'ended', error: error.message }
      return { kind: 'complete' }
    }
  }

  function recover(error: unknown): ConnectionEnd {
    if (!connectedBefore || !(error instanceof ApiError)) throw error
    return { kind: 'closed', reason: retryableFailure(error).message }
  }

  async function* events(): AsyncGenerator<ShellEvent, void, undefined> {
    try {
      yield* reconnect<ShellEvent>({ connect, recover, signal })
    } finally {
      unlink()
      abort()
    }
  }

  return {
    events: events(),
    write(input) {
      const bytes = typeof input === 'string' ? encoder.encode(input) : input
      for (let offset = 0; offset < bytes.length; offset += maxFrameBytes)
        terminal.socket?.send(bytes.slice(offset, offset + maxFrameBytes))
    },
    resize(size) {
      terminal.size = size
      sendSize(terminal)
    },
    hangUp() {
      terminal.socket?.close(normalCloseCode, 'hung up')
      abort()
    },
  }
}

interface TerminalState {
  size: ShellSize
  session: string | undefined
  /** `null`: there is no connection to the session. */
  socket: ShellSocket | null
}

async function* connectOnce(
  deps: ShellDeps,
  options: ClientShellOptions,
  terminal: TerminalState,
  { signal, onConnected }: { readonly signal: AbortSignal; readonly onConnected: () => void },
): AsyncGenerator<ShellEvent, ConnectionEnd, undefined> {
  const { ticket } = await deps.ticket()
  const requestedSize = terminal.size
  const socket = options.connect(shellUrl(deps.url, options, terminal, { ticket }).replace(/^http/, 'ws'))
  let sessionStarted = false
  try {
    for await (const frame of shellFrames(socket, deps.readBody, signal)) {
      if (frame.kind === 'bytes') yield { kind: 'output', bytes: frame.bytes }
      else if (frame.message.type === 'session') {
        const { session, resumed } = frame.message
        sessionStarted = true
        terminal.socket = socket
        terminal.session = session
        if (terminal.size !== requestedSize) sendSize(terminal)
        onConnected()
        yield { kind: 'connected', session, resumed }
      } else {
        yield toFinalEvent(frame.message)
        return { kind: 'complete' }
      }
    }
  } finally {
    terminal.socket = null
  }
  if (!sessionStarted && !signal.aborted) throw await refusalError(deps, shellUrl(deps.url, options, terminal))
  return connectionClosed
}

function shellUrl(
  url: string,
  options: ClientShellOptions,
  { session, size }: TerminalState,
  ticket: Partial<Pick<Ticket, 'ticket'>> = {},
): string {
  const search = new URLSearchParams({
    columns: String(size.columns),
    rows: String(size.rows),
    ...(session === undefined ? options.user !== undefined && { user: options.user } : { session }),
    ...ticket,
  })
  if (session === undefined) for (const argument of options.argv ?? []) search.append('argv', argument)
  return `${url}?${search.toString()}`
}

/** Asks again without an upgrade, which fails for the same reason, or only because it has no upgrade. */
async function refusalError({ request }: ShellDeps, url: string): Promise<ApiError> {
  const error = await apiErrorFrom(await request(url))
  if (error.code !== 'upgrade-required') return error
  return new ApiError(0, {
    code: 'no-websocket',
    error:
      'The WebSocket of the shell cannot be opened. A proxy between you and the service must forward upgrades, and the Host header unchanged.',
  })
}

function sendSize({ socket, size }: TerminalState): void {
  socket?.send(JSON.stringify({ type: 'resize', columns: size.columns, rows: size.rows }))
}

function toFinalEvent(message: Exclude<ShellServerMessage, { type: 'session' }>): ShellEvent {
  const { type: kind, ...exit } = message
  return kind === 'ended' ? { kind, ...exit } : { kind }
}
