import type { ShellNotice } from '../wire/shell.ts'
import type { ShellSocket } from './shell.ts'

/** What came through the socket of a shell. */
export type ShellFrame =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'notice'; readonly notice: ShellNotice }

/** So much may wait for its reader before the socket is not read any more. */
const pauseBytes = 1024 * 1024
/** A socket that cannot be held up is closed then: the service keeps the screen. */
const farBehindBytes = 8 * 1024 * 1024
const behind = 4408

/**
 * Reads a socket that is being opened, until it is closed or `signal` is aborted, which closes it. Ends without a word: whoever waits for something
 * has to see whether it came.
 */
export async function* shellFrames(
  socket: ShellSocket,
  signal: AbortSignal,
): AsyncGenerator<ShellFrame, void, undefined> {
  const frames: ShellFrame[] = []
  let waiting = 0
  let closed = false
  let wake = () => {}
  const close = () => {
    closed = true
    wake()
  }
  const leave = () => {
    close()
    socket.close()
  }
  socket.binaryType = 'arraybuffer'
  socket.addEventListener('error', () => {}) // a close follows, and says no less
  socket.addEventListener('close', close)
  socket.addEventListener('message', ({ data }) => {
    if (closed) return
    if (data instanceof ArrayBuffer) frames.push({ kind: 'bytes', bytes: new Uint8Array(data) })
    else if (typeof data === 'string') frames.push({ kind: 'notice', notice: JSON.parse(data) as ShellNotice })
    if (data instanceof ArrayBuffer) waiting += data.byteLength
    if (waiting > pauseBytes) socket.pause?.()
    if (waiting > farBehindBytes && !socket.pause) {
      frames.length = 0
      socket.close(behind, 'it is read too slowly')
      close()
    }
    wake()
  })
  if (signal.aborted) leave()
  signal.addEventListener('abort', leave)
  try {
    for (;;) {
      const frame = frames.shift()
      if (signal.aborted || (closed && !frame)) return
      if (!frame) {
        await new Promise<void>((resolve) => (wake = resolve))
        continue
      }
      if (frame.kind === 'bytes') waiting -= frame.bytes.byteLength
      if (waiting <= pauseBytes) socket.resume?.()
      yield frame
    }
  } finally {
    signal.removeEventListener('abort', leave)
    closed = true
    socket.close()
  }
}
