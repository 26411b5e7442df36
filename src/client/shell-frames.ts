import type { ShellServerMessage } from '../wire/runtime/shell.ts'
import type { ReadBody } from './response-body.ts'

/** The part of a WebSocket that a shell needs: that of browsers has it, and that of `ws`. */
export interface ShellSocket {
  binaryType: string
  readonly bufferedAmount: number
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void
  addEventListener(type: 'close' | 'error', listener: () => void): void
  send(data: string | Uint8Array<ArrayBuffer>): void
  close(code?: number, reason?: string): void
  /** Only `ws` has these two: unread output then suspends the shell instead of filling memory. */
  pause?(): void
  resume?(): void
}

export type ShellFrame =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'message'; readonly message: ShellServerMessage }

/** Above this, a socket that can be paused is paused. */
const highWaterBytes = 1024 * 1024
/** Above this, a socket that cannot be paused is closed: the service keeps the screen for the next connection. */
const maxBufferedBytes = 8 * 1024 * 1024
const tooSlowCloseCode = 4408

/** Yields what arrives on a socket until it is closed; aborting `signal` closes it. How it was closed is not reported. */
export async function* shellFrames(
  socket: ShellSocket,
  readBody: ReadBody,
  signal: AbortSignal,
): AsyncGenerator<ShellFrame, void, undefined> {
  const queue: (string | Uint8Array)[] = []
  let bufferedBytes = 0
  let closed = false
  let wake = () => {}
  const markClosed = () => {
    closed = true
    wake()
  }
  const closeSocket = () => {
    markClosed()
    socket.close()
  }
  socket.binaryType = 'arraybuffer'
  socket.addEventListener('error', () => {}) // a close event follows, with as much information
  socket.addEventListener('close', markClosed)
  socket.addEventListener('message', ({ data }) => {
    if (closed) return
    if (data instanceof ArrayBuffer) queue.push(new Uint8Array(data))
    else if (typeof data === 'string') queue.push(data)
    if (data instanceof ArrayBuffer) bufferedBytes += data.byteLength
    if (bufferedBytes > highWaterBytes) socket.pause?.()
    if (bufferedBytes > maxBufferedBytes && !socket.pause) {
      queue.length = 0
      socket.close(tooSlowCloseCode, 'the client reads too slowly')
      markClosed()
    }
    wake()
  })
  if (signal.aborted) closeSocket()
  signal.addEventListener('abort', closeSocket)
  try {
    for (;;) {
      const data = queue.shift()
      if (signal.aborted || (closed && data === undefined)) return
      if (data === undefined) {
        await new Promise<void>((resolve) => (wake = resolve))
        continue
      }
      if (typeof data !== 'string') bufferedBytes -= data.byteLength
      if (bufferedBytes <= highWaterBytes) socket.resume?.()
      if (typeof data === 'string') yield { kind: 'message', message: readBody('shellMessage', JSON.parse(data)) }
      else yield { kind: 'bytes', bytes: data }
    }
  } finally {
    signal.removeEventListener('abort', closeSocket)
    closed = true
    socket.close()
  }
}
