import { Socket } from 'node:net'
import type { Readable } from 'node:stream'
import type { OutputChunk } from '../../../workspace/guest-process.ts'

export interface OutputSource {
  readonly stream: OutputChunk['stream']
  readonly readable: Readable
}

// What a command wrote before its end is still in a pipe when the end is told. A child in the background may hold that pipe open, and
// write on: so it is waited for a while only, and no more is read than a pipe can hold.
const drainTimeoutMs = 100
const maxDrainBytes = 1024 * 1024

/**
 * What comes out of a command's pipes, read from them only as fast as it is read here, until the command has ended. After that, and after
 * `leave()`, the pipes are emptied to nowhere: closed ones would kill a command that goes on, or what it has left behind, as it writes.
 */
export function processOutput(
  sources: readonly OutputSource[],
  exited: Promise<unknown>,
): { readonly output: AsyncIterable<OutputChunk>; detach(): void } {
  const state = { hasExited: false, isDetached: false }
  let wake = () => undefined as void
  const onEvent = () => wake()
  for (const { readable } of sources)
    for (const name of ['readable', 'end', 'close', 'error']) readable.on(name, onEvent)
  void exited.then(() => {
    state.hasExited = true
    wake()
  })

  function readChunk(): OutputChunk | null {
    for (const { stream, readable } of sources) {
      const bytes: unknown = readable.read()
      if (Buffer.isBuffer(bytes)) return { stream, bytes }
    }
    return null
  }

  /** Settles when something has happened: true; or when nothing has for so long: false. */
  function waitForEvent(timeoutMs: number | null): Promise<boolean> {
    return new Promise((resolve) => {
      // The turn after the timer has looked at the pipes, however late the timer was.
      const onTimeout = () => setImmediate(() => resolve(false))
      const timer = timeoutMs === null ? undefined : setTimeout(onTimeout, timeoutMs)
      wake = () => {
        clearTimeout(timer)
        resolve(true)
      }
    })
  }

  async function* chunks(): AsyncGenerator<OutputChunk> {
    let bytesAfterExit = 0
    let remainingMs = drainTimeoutMs
    while (!state.isDetached && bytesAfterExit <= maxDrainBytes) {
      const chunk = readChunk()
      if (chunk !== null) {
        if (state.hasExited) bytesAfterExit += chunk.bytes.length
        yield chunk
      } else if (remainingMs <= 0 || sources.every(({ readable }) => readable.readableEnded || readable.destroyed))
        break
      else if (state.hasExited) {
        const startedAt = performance.now()
        const eventArrived = await waitForEvent(remainingMs)
        remainingMs = eventArrived ? remainingMs - (performance.now() - startedAt) : 0
      } else await waitForEvent(null)
    }
    discardRemaining()
  }

  let discarding = false
  function discardRemaining(): void {
    // A second time would stop what the first has set going.
    if (discarding) return
    discarding = true
    for (const { readable } of sources) {
      readable.removeAllListeners('readable')
      readable.resume()
      if (readable instanceof Socket) readable.unref()
    }
  }

  return {
    output: chunks(),
    detach: () => {
      state.isDetached = true
      discardRemaining()
      wake()
    },
  }
}
