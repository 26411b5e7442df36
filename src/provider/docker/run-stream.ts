import type { Duplex } from 'node:stream'
import { Writable } from 'node:stream'
import type { RunOutput } from '../../workspace/run.ts'
import { demultiplex } from './demultiplex.ts'
import { lastOutput, onItsWayBytes } from './last-output.ts'

/** The connection to a command that runs. */
export interface RunStream {
  /** The next pieces of its output; `null` when there are none any more. Nothing is read ahead of it while the command runs. Never rejects. */
  next(): Promise<readonly RunOutput[] | null>
  /**
   * The command has ended: what has not come yet is fetched, whether anybody reads it or not, and the connection is closed. Until then the
   * engine would not notice the end of any other command in the container. `ask` asks the engine anything, to see that it is not busy.
   */
  exited(ask: () => Promise<unknown>): void
  /** Aborted when the connection is closed, from either side. */
  readonly closed: AbortSignal
  close(): void
}

/** The output of a command on `socket`; `framed` if it has no terminal. */
export function runStream(socket: Duplex, framed: boolean): RunStream {
  let pieces: RunOutput[] = []
  const take = (stream: RunOutput['stream'], bytes: Buffer): void => void pieces.push({ stream, bytes })
  // What a terminal writes has no frames, and is one stream.
  const split = framed ? demultiplex(take) : (chunk: Buffer): void => take('stdout', chunk)
  const closed = new AbortController()
  let wake: () => void = () => undefined
  let fetched: { readonly chunks: Buffer[]; bytes: number } | undefined

  function read(): Buffer | null {
    const chunk: unknown = socket.read()
    return Buffer.isBuffer(chunk) ? chunk : null
  }

  function fetchRest(): void {
    if (fetched === undefined || closed.signal.aborted) return
    for (let chunk = read(); chunk !== null; chunk = read()) {
      fetched.chunks.push(chunk)
      fetched.bytes += chunk.length
    }
    if (fetched.bytes > onItsWayBytes) socket.destroy()
  }

  socket.on('readable', () => {
    fetchRest()
    wake()
  })
  for (const end of ['end', 'error', 'close']) {
    socket.on(end, () => {
      fetchRest()
      closed.abort()
      wake()
    })
  }

  async function next(): Promise<Buffer | null> {
    for (;;) {
      const chunk = fetched === undefined ? read() : (fetched.chunks.shift() ?? null)
      if (chunk !== null || closed.signal.aborted) return chunk
      await new Promise<void>((resolve) => (wake = resolve))
    }
  }

  return {
    async next() {
      for (let chunk = await next(); chunk !== null; chunk = await next()) {
        pieces = []
        split(chunk)
        if (pieces.length > 0) return pieces
      }
      return null
    },
    exited(ask) {
      const rest = { chunks: [], bytes: 0 }
      fetched = rest
      fetchRest()
      wake()
      void lastOutput(() => rest.bytes, ask, closed.signal).then(() => socket.destroy())
    },
    closed: closed.signal,
    close: () => void socket.destroy(),
  }
}

const endOfTransmission = '\u0004'

/**
 * What the command on `socket` reads. Its end closes our half of the connection only: the output still comes. A terminal is told by the
 * character that means it, since the engine takes a closed half for the end of the whole where there is one.
 */
export function runInput(socket: Duplex, terminal: boolean): Writable {
  const input = new Writable({
    write: (chunk: Buffer, _encoding, written) => void socket.write(chunk, () => written()),
    final(finished) {
      if (terminal) socket.write(endOfTransmission, () => finished())
      else socket.end(() => finished())
    },
    destroy(_error, gone) {
      if (!terminal) socket.end()
      gone(null)
    },
  })
  input.on('error', () => undefined)
  socket.once('close', () => input.destroy())
  return input
}
