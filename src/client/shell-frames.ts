import type { ShellServerMessage } from '../wire/runtime/shell.ts'
import type { ShellSocket } from './shell.ts'

/** What came through the socket of a shell. */
export type ShellFrame =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'notice'; readonly message: ShellServerMessage }

/** So much may wait for its reader before the socket is not read any more. */
const highWaterBytes = 1024 * 1024
/** A socket that cannot be held up is closed then: the service keeps the screen. */
const maxBufferedBytes = 8 * 1024 * 1024
const tooSlowCloseCode = 4408

/**
 * Reads a socket that is being opened, until it is closed or `signal` is aborted, which closes it. Ends without a word: whoever waits for something
 * has to see whether it came.
 */
export async function* shellFrames(
  socket: ShellSocket,
  signal: AbortSignal,
): AsyncGenerator<ShellFrame, void, undefined> {
  const frames: ShellFrame[] = []
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
  socket.addEventListener('error', () => {}) // a close follows, and says no less
  socket.addEventListener('close', markClosed)
  socket.addEventListener('message', ({ data }) => {
    if (closed) return
    if (data instanceof ArrayBuffer) frames.push({ kind: 'bytes', bytes: new Uint8Array(data) })
    else if (typeof data === 'string') frames.push({ kind: 'notice', message: JSON.parse(data) as ShellServerMessage })
    if (data instanceof ArrayBuffer) bufferedBytes += data.byteLength
    if (bufferedBytes > highWaterBytes) socket.pause?.()
    if (bufferedBytes > maxBufferedBytes && !socket.pause) {
      frames.length = 0
      socket.close(tooSlowCloseCode, 'it is read too slowly')
      markClosed()
    }
    wake()
  })
  if (signal.aborted) closeSocket()
  signal.addEventListener('abort', closeSocket)
  try {
    for (;;) {
      const frame = frames.shift()
      if (signal.aborted || (closed && !frame)) return
      if (!frame) {
        await new Promise<void>((resolve) => (wake = resolve))
        continue
      }
      if (frame.kind === 'bytes') bufferedBytes -= frame.bytes.byteLength
      if (bufferedBytes <= highWaterBytes) socket.resume?.()
      yield frame
    }
  } finally {
    signal.removeEventListener('abort', closeSocket)
    closed = true
    socket.close()
  }
}
