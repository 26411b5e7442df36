// What lifecycle commands write, on its way to the disk. Kept in memory for about a second, and never without bound: of one that writes
// faster than that, what is oldest is dropped, as it would be on the disk.
import type { LifecycleOutputStore, LifecycleChunkRow, LifecycleChunk } from '../persistence/lifecycle-output-store.ts'
import { maxLifecycleOutputBytes } from '../persistence/lifecycle-output-store.ts'
import type { WorkspaceId } from '../workspace/id.ts'
import type { Log } from '../workspace/log.ts'
import type { OutputChunk } from '../workspace/guest-process.ts'
import type { Clock } from '../workspace/clock.ts'

export interface LifecycleOutputLogDeps {
  /** Where it is kept; nowhere, if there is none. */
  readonly store: LifecycleOutputStore | undefined
  readonly clock: Clock
  readonly log: Log
}

const flushIntervalMs = 1000
/** Pieces of the same moment are put together up to so much. */
const chunkBytes = 16 * 1024
const mergeWindowMs = 100

interface PendingChunk extends Omit<LifecycleChunk, 'data'> {
  readonly parts: Buffer[]
  bytes: number
}

interface PendingOutput {
  readonly chunks: PendingChunk[]
  bytes: number
}

export type LifecycleOutputLog = ReturnType<typeof lifecycleOutputLog>

export function lifecycleOutputLog({ store, clock, log }: LifecycleOutputLogDeps) {
  const pending = new Map<WorkspaceId, PendingOutput>()
  const subscribers = new Map<WorkspaceId, Set<() => void>>()
  let cancel: (() => void) | undefined
  let failing = false
  let closed = false

  function flush() {
    cancel?.()
    cancel = undefined
    if (pending.size === 0) return
    const batches = new Map(
      [...pending].map(([id, { chunks }]) => [
        id,
        chunks.map(({ at, command, stream, parts }) => ({ at, command, stream, data: Buffer.concat(parts) })),
      ]),
    )
    pending.clear()
    try {
      store?.append(batches)
      failing = false
    } catch (error) {
      // It is not worth a setup; a disk that is full would have it logged every second.
      if (!failing) log.error({ err: error }, 'what lifecycle commands write cannot be kept, and is lost')
      failing = true
    }
    for (const id of batches.keys()) for (const wake of subscribers.get(id) ?? []) wake()
  }

  return {
    /** Told of a piece of output of a workspace's lifecycle command. Never throws. */
    append(id: WorkspaceId, command: string, { stream, bytes }: OutputChunk): void {
      if (closed || !store || bytes.length === 0) return
      const buffered = pending.get(id) ?? { chunks: [], bytes: 0 }
      pending.set(id, buffered)
      const at = clock.now()
      for (let offset = 0; offset < bytes.length; offset += chunkBytes) {
        const part = Buffer.from(bytes.subarray(offset, offset + chunkBytes))
        const last = buffered.chunks.at(-1)
        const canMerge =
          last?.command === command &&
          last.stream === stream &&
          Math.abs(at - last.at) < mergeWindowMs &&
          last.bytes + part.length <= chunkBytes
        if (canMerge) {
          last.parts.push(part)
          last.bytes += part.length
        } else buffered.chunks.push({ at, command, stream, parts: [part], bytes: part.length })
        buffered.bytes += part.length
      }
      for (
        let oldest = buffered.chunks[0];
        oldest && buffered.bytes > maxLifecycleOutputBytes;
        oldest = buffered.chunks[0]
      ) {
        buffered.chunks.shift()
        buffered.bytes -= oldest.bytes
      }
      cancel ??= clock.timer(flushIntervalMs, flush)
    },

    /** Puts on disk what was heard by now. Never throws. */
    flush,

    /** What is on disk of a workspace after the piece numbered `seq`, oldest first. Throws what the database throws. */
    after: (id: WorkspaceId, seq: number, limit: number): readonly LifecycleChunkRow[] =>
      store?.after(id, seq, limit) ?? [],

    /** Calls `wake` whenever more is on disk. Answers how to call that off. */
    subscribe(id: WorkspaceId, wake: () => void): () => void {
      const callbacks = subscribers.get(id) ?? new Set()
      subscribers.set(id, callbacks.add(wake))
      return () => {
        callbacks.delete(wake)
        if (callbacks.size === 0 && subscribers.get(id) === callbacks) subscribers.delete(id)
      }
    },

    /** Puts the rest on disk; what comes later is not heard. */
    close() {
      closed = true
      flush()
    },
  }
}
