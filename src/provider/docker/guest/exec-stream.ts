import type { Duplex } from 'node:stream'
import { Writable } from 'node:stream'
import type { OutputChunk } from '../../../workspace/guest-process.ts'
import { demultiplex } from '../engine/demultiplex.ts'
import { drainOutput, maxInFlightBytes } from './drain-output.ts'

/** The connection to a command that runs. */
export interface ExecStream {
  /** The next pieces of its output; `null` when there are none any more. Nothing is read ahead of it while the command runs. Never rejects. */
  next(): Promise<readonly OutputChunk[] | null>
  /**
   * The command has ended: what has not come yet is fetched, whether anybody reads it or not, and the connection is closed. Until then the
   * engine would not notice the end of any other command in the container. `ask` asks the engine anything, to see that it is not busy.
   */
  drain(probeEngine: () => Promise<unknown>): void
  /** Aborted when the connection is closed, from either side. */
  readonly closed: AbortSignal
  close(): void
}

/** The output of a command on `socket`; `framed` if it has no terminal. */
export function execStream(socket: Duplex, framed: boolean): ExecStream {
  let chunks: OutputChunk[] = []
  const push = (stream: OutputChunk['stream'], bytes: Buffer): void => void chunks.push({ stream, bytes })
  // What a terminal writes has no frames, and is one stream.
  const parseChunk = framed ? demultiplex(push) : (chunk: Buffer): void => push('stdout', chunk)
  const closed = new AbortController()
  let wake: () => void = () => undefined
  let drainBuffer: { readonly chunks: Buffer[]; bytes: number } | undefined

  function read(): Buffer | null {
    const chunk: unknown = socket.read()
    return Buffer.isBuffer(chunk) ? chunk : null
  }

  function readAvailable(): void {
    if (drainBuffer === undefined || closed.signal.aborted) return
    for (let chunk = read(); chunk !== null; chunk = read()) {
      drainBuffer.chunks.push(chunk)
      drainBuffer.bytes += chunk.length
    }
    if (drainBuffer.bytes > maxInFlightBytes) socket.destroy()
  }

  socket.on('readable', () => {
    readAvailable()
    wake()
  })
  for (const end of ['end', 'error', 'close']) {
    socket.on(end, () => {
      readAvailable()
      closed.abort()
      wake()
    })
  }

  async function nextChunk(): Promise<Buffer | null> {
    for (;;) {
      const chunk = drainBuffer === undefined ? read() : (drainBuffer.chunks.shift() ?? null)
      if (chunk !== null || closed.signal.aborted) return chunk
      await new Promise<void>((resolve) => (wake = resolve))
    }
  }

  return {
    async next() {
      for (let chunk = await nextChunk(); chunk !== null; chunk = await nextChunk()) {
        chunks = []
        parseChunk(chunk)
        if (chunks.length > 0) return chunks
      }
      return null
    },
    drain(probeEngine) {
      const buffer = { chunks: [], bytes: 0 }
      drainBuffer = buffer
      readAvailable()
      wake()
      void drainOutput(() => buffer.bytes, probeEngine, closed.signal).then(() => socket.destroy())
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
export function execStdin(socket: Duplex, terminal: boolean): Writable {
  const input = new Writable({
    write: (chunk: Buffer, _encoding, callback) => void socket.write(chunk, () => callback()),
    final(callback) {
      if (terminal) socket.write(endOfTransmission, () => callback())
      else socket.end(() => callback())
    },
    destroy(_error, callback) {
      if (!terminal) socket.end()
      callback(null)
    },
  })
  input.on('error', () => undefined)
  socket.once('close', () => input.destroy())
  return input
}
