import { Socket } from 'node:net'
import type { Readable } from 'node:stream'
import type { OutputChunk } from '../../../workspace/guest-process.ts'

export interface OutputSource {
  readonly stream: OutputChunk['stream']
  readonly readable: Readable
}

// A command's last output is still in the pipe when its exit is reported. A background child may hold the pipe open and write on, so
// both the time and the amount of this last reading are limited.
const drainTimeoutMs = 100
const maxDrainBytes = 1024 * 1024

/**
 * The output of a command's pipes until its exit, read as fast as the reader takes it. After the exit, and after `detach()`, further output
 * is discarded: if the pipes were closed, a command that runs on, or a background child, would be killed by SIGPIPE.
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

  /** Resolves to true at the next event, to false at the timeout. */
  function waitForEvent(timeoutMs: number | null): Promise<boolean> {
    return new Promise((resolve) => {
      // One turn later, so that the pipes have been polled even if this timer is late.
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
    // A second call would stop the flow that the first has started.
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
