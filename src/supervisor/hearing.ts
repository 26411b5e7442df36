// What lifecycle commands write, on its way to the disk. Kept in memory for about a second, and never without bound: of one that writes
// faster than that, what is oldest is dropped, as it would be on the disk.
import type { LifecycleOutput, NumberedWritten, Written } from '../persistence/lifecycle-output.ts'
import { keptBytes } from '../persistence/lifecycle-output.ts'
import type { WorkspaceId } from '../workspace/id.ts'
import type { Log } from '../workspace/log.ts'
import type { RunOutput } from '../workspace/run.ts'
import type { Clock } from './clock.ts'

export interface HearingDeps {
  /** Where it is kept; nowhere, if there is none. */
  readonly output: LifecycleOutput | undefined
  readonly clock: Clock
  readonly log: Log
}

const everyMs = 1000
/** Pieces of the same moment are put together up to so much. */
const pieceBytes = 16 * 1024
const momentMs = 100

interface Piece extends Omit<Written, 'data'> {
  readonly parts: Buffer[]
  bytes: number
}

interface Waiting {
  readonly pieces: Piece[]
  bytes: number
}

export type Hearing = ReturnType<typeof hearing>

export function hearing({ output, clock, log }: HearingDeps) {
  const waiting = new Map<WorkspaceId, Waiting>()
  const followers = new Map<WorkspaceId, Set<() => void>>()
  let cancel: (() => void) | undefined
  let failing = false
  let closed = false

  function write() {
    cancel?.()
    cancel = undefined
    if (waiting.size === 0) return
    const batches = new Map(
      [...waiting].map(([id, { pieces }]) => [
        id,
        pieces.map(({ at, command, stream, parts }) => ({ at, command, stream, data: Buffer.concat(parts) })),
      ]),
    )
    waiting.clear()
    try {
      output?.keep(batches)
      failing = false
    } catch (error) {
      // It is not worth a setup; a disk that is full would have it logged every second.
      if (!failing) log.error({ err: error }, 'what lifecycle commands write cannot be kept, and is lost')
      failing = true
    }
    for (const id of batches.keys()) for (const wake of followers.get(id) ?? []) wake()
  }

  return {
    /** Told of a piece of output of a workspace's lifecycle command. Never throws. */
    heard(id: WorkspaceId, command: string, { stream, bytes }: RunOutput): void {
      if (closed || !output || bytes.length === 0) return
      const it = waiting.get(id) ?? { pieces: [], bytes: 0 }
      waiting.set(id, it)
      const at = clock.now()
      for (let from = 0; from < bytes.length; from += pieceBytes) {
        const part = Buffer.from(bytes.subarray(from, from + pieceBytes))
        const last = it.pieces.at(-1)
        const joins =
          last?.command === command &&
          last.stream === stream &&
          Math.abs(at - last.at) < momentMs &&
          last.bytes + part.length <= pieceBytes
        if (joins) {
          last.parts.push(part)
          last.bytes += part.length
        } else it.pieces.push({ at, command, stream, parts: [part], bytes: part.length })
        it.bytes += part.length
      }
      for (let first = it.pieces[0]; first && it.bytes > keptBytes; first = it.pieces[0]) {
        it.pieces.shift()
        it.bytes -= first.bytes
      }
      cancel ??= clock.timer(everyMs, write)
    },

    /** Puts on disk what was heard by now. Never throws. */
    write,

    /** What is on disk of a workspace after the piece numbered `seq`, oldest first. Throws what the database throws. */
    after: (id: WorkspaceId, seq: number, limit: number): readonly NumberedWritten[] =>
      output?.after(id, seq, limit) ?? [],

    /** Calls `wake` whenever more is on disk. Answers how to call that off. */
    follow(id: WorkspaceId, wake: () => void): () => void {
      const others = followers.get(id) ?? new Set()
      followers.set(id, others.add(wake))
      return () => {
        others.delete(wake)
        if (others.size === 0 && followers.get(id) === others) followers.delete(id)
      }
    },

    /** Puts the rest on disk; what comes later is not heard. */
    close() {
      closed = true
      write()
    },
  }
}
