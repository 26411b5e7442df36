// The output of lifecycle commands on its way to the disk: buffered for about a second, and bounded. If a command writes faster than
// that, the oldest output is dropped, as it would be on the disk.
import type { LifecycleOutputStore, LifecycleChunkRow, LifecycleChunk } from '../persistence/lifecycle-output-store.ts'
import { maxLifecycleOutputBytes } from '../persistence/lifecycle-output-store.ts'
import type { WorkspaceId } from '../workspace/id.ts'
import type { Log } from '../workspace/log.ts'
import type { OutputChunk } from '../workspace/guest-process.ts'
import type { Clock } from '../workspace/clock.ts'

export interface LifecycleOutputLogDeps {
  /** Without a store, the output is dropped. */
  readonly store: LifecycleOutputStore | undefined
  readonly clock: Clock
  readonly log: Log
}

const flushIntervalMs = 1000
/** Output of the same moment is merged into chunks of at most this size. */
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
      // No reason to fail a setup. Logged once: a full disk would repeat it every second.
      if (!failing) log.error({ err: error }, 'the output of lifecycle commands cannot be stored and is lost')
      failing = true
    }
    for (const id of batches.keys()) for (const wake of subscribers.get(id) ?? []) wake()
  }

  return {
    /** Buffers output of a lifecycle command. Never throws. */
    append(id: WorkspaceId, command: string, output: OutputChunk): void {
      if (closed || !store || output.bytes.length === 0) return
      const buffered = pending.get(id) ?? { chunks: [], bytes: 0 }
      pending.set(id, buffered)
      bufferOutput(buffered, clock.now(), command, output)
      cancel ??= clock.timer(flushIntervalMs, flush)
    },

    /** Writes what is buffered. Never throws. */
    flush,

    /** Returns the chunks on disk after the one numbered `seq`, oldest first. Throws what the database throws. */
    after: (id: WorkspaceId, seq: number, limit: number): readonly LifecycleChunkRow[] =>
      store?.after(id, seq, limit) ?? [],

    /** Calls `wake` whenever there is more on disk. Returns the function that ends this. */
    subscribe(id: WorkspaceId, wake: () => void): () => void {
      const callbacks = subscribers.get(id) ?? new Set()
      subscribers.set(id, callbacks.add(wake))
      return () => {
        callbacks.delete(wake)
        if (callbacks.size === 0 && subscribers.get(id) === callbacks) subscribers.delete(id)
      }
    },

    /** Writes the rest. Later output is dropped. */
    close() {
      closed = true
      flush()
    },
  }
}

/** Adds output to the buffer, merged into the last chunk where possible, and drops the oldest output beyond the limit. */
function bufferOutput(buffered: PendingOutput, at: number, command: string, { stream, bytes }: OutputChunk): void {
  const { chunks } = buffered
  for (let offset = 0; offset < bytes.length; offset += chunkBytes) {
    const part = Buffer.from(bytes.subarray(offset, offset + chunkBytes))
    const last = chunks.at(-1)
    const canMerge =
      last?.command === command &&
      last.stream === stream &&
      Math.abs(at - last.at) < mergeWindowMs &&
      last.bytes + part.length <= chunkBytes
    if (canMerge) {
      last.parts.push(part)
      last.bytes += part.length
    } else chunks.push({ at, command, stream, parts: [part], bytes: part.length })
    buffered.bytes += part.length
  }
  for (let [oldest] = chunks; oldest && buffered.bytes > maxLifecycleOutputBytes; [oldest] = chunks) {
    chunks.shift()
    buffered.bytes -= oldest.bytes
  }
}
