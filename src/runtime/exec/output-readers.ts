// Who reads the output of one run.
//   R1. A reader gets each line once, in order. What was dropped before he came to it, one line tells him.
//   R2. A reader who lags holds the command up, for so long at a time; then his output is dropped, and he holds nothing up until he reads again.
import type { OutputBuffer } from './output-buffer.ts'
import { formatDroppedLine } from './output-line.ts'

export interface OutputReader {
  /** The next line, each of whose characters is a byte; `undefined`: there is none yet, or none any more. */
  read(): string | undefined
  /** All that he is to have was read. */
  isDone(): boolean
  close(): void
}

/** Where a reader begins. */
export interface ReadPosition {
  /** After which line; `null`: as far back as there is something, and told of what is not. */
  readonly after: number | null
  /** False: only what there is now. */
  readonly follow: boolean
}

export type AttachResult =
  | { readonly kind: 'attached'; readonly reader: OutputReader }
  | { readonly kind: 'output-gone'; readonly oldest: number }
  | { readonly kind: 'no-such-line'; readonly newest: number }

interface ReaderState {
  nextSeq: number
  /** Bytes of output before the next line. */
  offset: number
  /** Since when he holds the command up. */
  stalledSince: number | null
  /** He held it up for too long. */
  isSkipped: boolean
  readonly wake: () => void
}

export function outputReaders(output: OutputBuffer, stallTimeoutMs: number) {
  const readers = new Set<ReaderState>()
  let onProgress = () => {}

  /** Waits until somebody has read or left, or for so long. */
  function waitForProgress(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs)
      onProgress = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  function takeLine(reader: ReaderState): string | undefined {
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

  return {
    /** Lets somebody read. `wake` is called when there is more. */
    attach({ after, follow }: ReadPosition, wake: () => void): AttachResult {
      if (after !== null && after + 1 < output.oldestSeq()) return { kind: 'output-gone', oldest: output.oldestSeq() }
      if (after !== null && after > output.newestSeq()) return { kind: 'no-such-line', newest: output.newestSeq() }
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
            const line = isDone() ? undefined : takeLine(reader)
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

    /** Makes room for more output: waits for whoever has to read the oldest still, and drops it. */
    async makeRoom(): Promise<void> {
      while (output.isFull()) {
        const lagging = [...readers].filter(({ nextSeq, isSkipped }) => !isSkipped && nextSeq <= output.oldestSeq())
        const now = performance.now()
        for (const reader of lagging) reader.stalledSince ??= now
        const remainingMs = Math.min(...lagging.map(({ stalledSince }) => (stalledSince ?? now) + stallTimeoutMs - now))
        if (lagging.length === 0) output.dropOldest()
        else if (remainingMs > 0) await waitForProgress(remainingMs)
        else for (const reader of lagging) reader.isSkipped ||= (reader.stalledSince ?? now) + stallTimeoutMs <= now
      }
    },

    /** Nobody is waited for any more. */
    detachAll(): void {
      readers.clear()
      onProgress()
    },
  }
}

export type OutputReaders = ReturnType<typeof outputReaders>
