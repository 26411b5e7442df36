// The newest output of one run, as numbered lines.
//   K1. Lines are numbered from 1 without a gap, whatever is dropped.
//   K2. A line that nobody has read yet still grows; from then on it is what it is. It is put into words once, for all readers.
import type { OutputChunk } from '../../workspace/guest-process.ts'
import { formatOutputLine } from './output-line.ts'

export interface OutputLimits {
  readonly maxBytes: number
  /** Short lines cost more memory than they have bytes. */
  readonly maxLines: number
  /** Of one line. */
  readonly maxLineBytes: number
}

export const defaultOutputLimits: OutputLimits = { maxBytes: 1024 * 1024, maxLines: 4096, maxLineBytes: 64 * 1024 }

/** Pieces of a line are put together now and then: each alone costs more than it has bytes. */
const maxChunksPerLine = 64

interface BufferedLine {
  readonly stream: OutputChunk['stream']
  /** Bytes of output before this line. */
  readonly offset: number
  bytes: number
  chunks: Buffer[]
  text: string | null
}

export type OutputBuffer = ReturnType<typeof outputBuffer>

/** `share` says how many bytes it may keep now, if that is less than its limit. */
export function outputBuffer(limits: OutputLimits, bufferBudget: () => number = () => Infinity) {
  const lines = new Map<number, BufferedLine>()
  let oldestSeq = 1
  let newestSeq = 0
  let bufferedBytes = 0
  let totalBytes = 0
  let lastLine: { readonly seq: number; readonly text: string } | null = null

  function serializeLine(seq: number, line: BufferedLine): string {
    const [first] = line.chunks
    line.text ??= formatOutputLine(
      seq,
      line.stream,
      first && line.chunks.length === 1 ? first : Buffer.concat(line.chunks),
    )
    line.chunks = []
    return line.text
  }

  return {
    /** Adds a piece of at most `lineBytes`. */
    append(stream: OutputChunk['stream'], bytes: Buffer): void {
      const tail = lines.get(newestSeq)
      if (tail && tail.text === null && tail.stream === stream && tail.bytes + bytes.length <= limits.maxLineBytes) {
        tail.chunks.push(bytes)
        tail.bytes += bytes.length
        if (tail.chunks.length > maxChunksPerLine) tail.chunks = [Buffer.concat(tail.chunks)]
      } else {
        newestSeq += 1
        lines.set(newestSeq, { stream, offset: totalBytes, bytes: bytes.length, chunks: [bytes], text: null })
      }
      bufferedBytes += bytes.length
      totalBytes += bytes.length
    },
    /** Adds the last line, which is kept whatever comes. */
    end(formatEndLine: (seq: number) => string): void {
      lastLine = { seq: newestSeq + 1, text: formatEndLine(newestSeq + 1) }
    },
    isFull: () => bufferedBytes > Math.min(limits.maxBytes, bufferBudget()) || lines.size > limits.maxLines,
    bufferedBytes: () => bufferedBytes,
    dropOldest(): void {
      const line = lines.get(oldestSeq)
      if (!line) return
      bufferedBytes -= line.bytes
      lines.delete(oldestSeq)
      oldestSeq += 1
    },
    /** The number of the oldest line that is kept, or of the next one if there is none. */
    oldestSeq: () => oldestSeq,
    /** The number of the newest line; 0 if there is none. */
    newestSeq: () => lastLine?.seq ?? newestSeq,
    hasEnded: () => lastLine !== null,
    /** Bytes of output before a line. */
    offsetOf: (seq: number): number => lines.get(seq)?.offset ?? totalBytes,
    /** A line as it is sent; `undefined`: there is none yet. */
    line(seq: number): string | undefined {
      if (seq === lastLine?.seq) return lastLine.text
      const line = lines.get(seq)
      return line && serializeLine(seq, line)
    },
  }
}
