// The readers of one command's output.
//   R1. A reader receives each line once, in order. One line stands for all output that was dropped before the reader reached it.
//   R2. A lagging reader blocks the command for at most the stall timeout; then its output is dropped, and it blocks nothing until it
//       reads again.
import type { Clock } from '../../workspace/clock.ts'
import type { OutputBuffer } from './output-buffer.ts'
import { formatDroppedLine } from './output-line.ts'

export interface OutputReader {
  /** The next line, each of whose characters is a byte; `undefined`: none yet, or no more. */
  read(): string | undefined
  /** Whether all lines of this reader were read. */
  isDone(): boolean
  close(): void
}

/** Where a reader begins and ends. */
export interface ReadPosition {
  /** The line to begin after; `null`: the oldest buffered line, preceded by one that counts the bytes dropped before it. */
  readonly after: number | null
  /** True: until the command ends. False: only the lines that exist now. */
  readonly follow: boolean
}

export type AttachResult =
  | { readonly kind: 'attached'; readonly reader: OutputReader }
  /** The lines after the position are no longer buffered. */
  | { readonly kind: 'truncated'; readonly oldest: number }
  /** The position is after the newest line. */
  | { readonly kind: 'out-of-range'; readonly newest: number }

interface ReaderState {
  nextSeq: number
  /** Bytes of output before the next line. */
  offset: number
  /** Since when the reader has blocked the command, by the monotonic clock. */
  stalledSince: number | null
  /** It held the command up for too long. */
  isSkipped: boolean
  readonly wake: () => void
}

/** Attaches readers to an output buffer. A lagging reader blocks the command for at most `stallTimeoutMs`. */
export function outputReaders(output: OutputBuffer, clock: Clock, stallTimeoutMs: number) {
  const readers = new Set<ReaderState>()
  let onProgress = () => {}

  /** Waits until a reader reads or leaves, for at most `timeoutMs`. */
  function waitForProgress(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = clock.timer(timeoutMs, resolve)
      onProgress = () => {
        cancel()
        resolve()
      }
    })
  }

  return {
    /** Attaches a reader. `wake` is called when there is more to read. */
    attach({ after, follow }: ReadPosition, wake: () => void): AttachResult {
      if (after !== null && after + 1 < output.oldestSeq()) return { kind: 'truncated', oldest: output.oldestSeq() }
      if (after !== null && after > output.newestSeq()) return { kind: 'out-of-range', newest: output.newestSeq() }
      const nextSeq = after === null ? 1 : after + 1
      const offset = after === null ? 0 : output.offsetOf(nextSeq)
      const reader: ReaderState = { nextSeq, offset, stalledSince: null, isSkipped: false, wake }
      const lastSeq = follow ? null : output.newestSeq()
      readers.add(reader)
      const isDone = () => reader.nextSeq > (lastSeq ?? (output.hasEnded() ? output.newestSeq() : Infinity))
      return {
        kind: 'attached',
        reader: {
          isDone,
          read() {
            const line = isDone() ? undefined : takeLine(output, reader)
            if (line) {
              reader.stalledSince = null
              reader.isSkipped = false
              onProgress()
            }
            return line
          },
          close() {
            readers.delete(reader)
            onProgress()
          },
        },
      }
    },

    wakeAll(): void {
      for (const { wake } of readers) wake()
    },

    /** Makes room for more output: waits for the readers of the oldest line, then drops it. */
    async makeRoom(): Promise<void> {
      while (output.isFull()) {
        const lagging = [...readers].filter(({ nextSeq, isSkipped }) => !isSkipped && nextSeq <= output.oldestSeq())
        const now = clock.monotonic()
        for (const reader of lagging) reader.stalledSince ??= now
        const remainingMs = Math.min(...lagging.map(({ stalledSince }) => (stalledSince ?? now) + stallTimeoutMs - now))
        if (lagging.length === 0) output.dropOldest()
        else if (remainingMs > 0) await waitForProgress(remainingMs)
        else for (const reader of lagging) reader.isSkipped ||= (reader.stalledSince ?? now) + stallTimeoutMs <= now
      }
    },

    /** Removes all readers, so that none is waited for. */
    detachAll(): void {
      readers.clear()
      onProgress()
    },
  }
}

/** The next line of a reader; a line that counts the bytes it missed, if any were dropped. */
function takeLine(output: OutputBuffer, reader: ReaderState): string | undefined {
  const oldest = output.oldestSeq()
  if (reader.nextSeq < oldest) {
    const bytes = output.offsetOf(oldest) - reader.offset
    reader.nextSeq = oldest
    reader.offset += bytes
    return formatDroppedLine(oldest - 1, bytes)
  }
  const line = output.line(reader.nextSeq)
  if (!line) return undefined
  reader.nextSeq += 1
  reader.offset = output.offsetOf(reader.nextSeq)
  return line
}
