import { Socket } from 'node:net'
import type { Readable } from 'node:stream'
import type { RunOutput } from '../../workspace/run.ts'

export interface Source {
  readonly stream: RunOutput['stream']
  readonly readable: Readable
}

// What a command wrote before its end is still in a pipe when the end is told. A child in the background may hold that pipe open, and
// write on: so it is waited for a while only, and no more is read than a pipe can hold.
const lateMs = 100
const pipeBytes = 1024 * 1024

/**
 * What comes out of a command's pipes, read from them only as fast as it is read here, until the command has ended. After that, and after
 * `leave()`, the pipes are emptied to nowhere: closed ones would kill a command that goes on, or what it has left behind, as it writes.
 */
export function runOutput(
  sources: readonly Source[],
  ended: Promise<unknown>,
): { readonly output: AsyncIterable<RunOutput>; leave(): void } {
  const now = { over: false, left: false }
  let wake = () => undefined as void
  const notice = () => wake()
  for (const { readable } of sources)
    for (const name of ['readable', 'end', 'close', 'error']) readable.on(name, notice)
  void ended.then(() => {
    now.over = true
    wake()
  })

  function next(): RunOutput | null {
    for (const { stream, readable } of sources) {
      const bytes: unknown = readable.read()
      if (Buffer.isBuffer(bytes)) return { stream, bytes }
    }
    return null
  }

  /** Settles when something has happened: true; or when nothing has for so long: false. */
  function news(withinMs: number | null): Promise<boolean> {
    return new Promise((resolve) => {
      // The turn after the timer has looked at the pipes, however late the timer was.
      const late = () => setImmediate(() => resolve(false))
      const timer = withinMs === null ? undefined : setTimeout(late, withinMs)
      wake = () => {
        clearTimeout(timer)
        resolve(true)
      }
    })
  }

  async function* read(): AsyncGenerator<RunOutput> {
    let afterEnd = 0
    let patienceMs = lateMs
    while (!now.left && afterEnd <= pipeBytes) {
      const piece = next()
      if (piece !== null) {
        if (now.over) afterEnd += piece.bytes.length
        yield piece
      } else if (patienceMs <= 0 || sources.every(({ readable }) => readable.readableEnded || readable.destroyed)) break
      else if (now.over) {
        const begun = performance.now()
        const heard = await news(patienceMs)
        patienceMs = heard ? patienceMs - (performance.now() - begun) : 0
      } else await news(null)
    }
    empty()
  }

  let emptied = false
  function empty(): void {
    // A second time would stop what the first has set going.
    if (emptied) return
    emptied = true
    for (const { readable } of sources) {
      readable.removeAllListeners('readable')
      readable.resume()
      if (readable instanceof Socket) readable.unref()
    }
  }

  return {
    output: read(),
    leave: () => {
      now.left = true
      empty()
      wake()
    },
  }
}
