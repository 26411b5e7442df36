import { type Duplex, Writable } from 'node:stream'
import type { OutputChunk } from '../../../workspace/guest-process.ts'
import { demultiplex } from '../engine/demultiplex.ts'
import { drainOutput, maxInFlightBytes } from './drain-output.ts'

/** The connection to a running command. */
export interface ExecStream {
  /**
   * The next chunks of output; `null` at the end. While the command is running nothing is read ahead. Never rejects.
   */
  next(): Promise<readonly OutputChunk[] | null>
  /**
   * Call when the command has exited. Reads the remaining output into memory, whether or not it has a reader, and closes
   * the connection: until then the engine does not notice the exit of any other command in the container. `probeEngine`
   * makes any request, to check that the engine is not busy.
   */
  drain(probeEngine: () => Promise<unknown>): void
  /** Aborts when either side closes the connection. */
  readonly closed: AbortSignal
  close(): void
}

/** The output of a command on `socket`; `multiplexed` if the command has no terminal. */
export function execStream(socket: Duplex, multiplexed: boolean): ExecStream {
  let chunks: OutputChunk[] = []
  const push = (stream: OutputChunk['stream'], bytes: Buffer): void => void chunks.push({ stream, bytes })
  // The output of a terminal has no frames and is a single stream.
  const parseChunk = multiplexed ? demultiplex(push) : (chunk: Buffer): void => push('stdout', chunk)
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
  for (const event of ['end', 'error', 'close']) {
    socket.on(event, () => {
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
 * The stdin of the command on `socket`. Ending it closes only our half of the connection; output still arrives. For a
 * terminal it sends the end-of-transmission character, because there the engine treats a half-closed connection as
 * closed.
 */
export function execStdin(socket: Duplex, terminal: boolean): Writable {
  const stdin = new Writable({
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
  stdin.on('error', () => undefined)
  socket.once('close', () => stdin.destroy())
  return stdin
}
