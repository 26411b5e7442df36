import type { Duplex } from 'node:stream'
import { Writable } from 'node:stream'
import type { RunOutput } from '../../workspace/run.ts'
import { demultiplex } from './demultiplex.ts'

/** After its command has ended, what is still on its way comes within this time, */
const quietMs = 200
/** and is no more than the pipes and sockets between it and us can hold. A child in the background may write for ever. */
const onItsWayBytes = 2 ** 20

/** The connection to a command that runs. */
export interface RunStream {
  /** The next pieces of its output; `null` when there are none any more. Nothing is read ahead of it. Never rejects. */
  next(): Promise<readonly RunOutput[] | null>
  /** The command has ended: what has not come yet is waited for a little, and then `next` answers `null` though the connection is open. */
  exited(): void
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
  let exited = false
  let late = 0
  socket.on('readable', () => wake())
  for (const end of ['end', 'error', 'close']) {
    socket.on(end, () => {
      closed.abort()
      wake()
    })
  }

  function stirred(withinMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = Number.isFinite(withinMs) ? setTimeout(resolve, withinMs) : undefined
      wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  async function read(): Promise<Buffer | null> {
    for (let waited = false; ; ) {
      const chunk: unknown = socket.read()
      if (Buffer.isBuffer(chunk)) return chunk
      if (closed.signal.aborted || (exited && waited)) return null
      waited = exited
      await stirred(exited ? quietMs : Number.POSITIVE_INFINITY)
    }
  }

  return {
    async next() {
      for (;;) {
        const chunk = late > onItsWayBytes ? null : await read()
        if (chunk === null) return null
        if (exited) late += chunk.length
        pieces = []
        split(chunk)
        if (pieces.length > 0) return pieces
      }
    },
    exited() {
      exited = true
      wake()
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
