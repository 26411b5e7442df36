// The newest output of one command, as numbered lines.
//   K1. Lines are numbered from 1 without a gap, whatever is dropped.
//   K2. The newest line grows until it is first read; then it is final. A line is serialized once, for all readers.
import type { OutputChunk } from '../../workspace/guest-process.ts'
import { formatOutputLine } from './output-line.ts'

export interface OutputLimits {
  readonly maxBytes: number
  /** Bounds short lines, which take more memory than they have bytes. */
  readonly maxLines: number
  /** Of one line. */
  readonly maxLineBytes: number
}

export const defaultOutputLimits: OutputLimits = { maxBytes: 1024 * 1024, maxLines: 4096, maxLineBytes: 64 * 1024 }

/** The chunks of a line are joined when there are more: each takes more memory than it has bytes. */
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

/** Buffers at most `limits.maxBytes`, or what `bufferBudget` grants at the moment if that is less. */
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
    /** Appends a chunk of at most `maxLineBytes`. */
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
    /** Appends the last line, which is never dropped. */
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
    /** The number of the oldest buffered line, or of the next line if none is buffered. */
    oldestSeq: () => oldestSeq,
    /** The number of the newest line; 0 if there is none. */
    newestSeq: () => lastLine?.seq ?? newestSeq,
    hasEnded: () => lastLine !== null,
    /** Bytes of output before a line. */
    offsetOf: (seq: number): number => lines.get(seq)?.offset ?? totalBytes,
    /** A line as it is sent; `undefined` if it does not exist yet. */
    line(seq: number): string | undefined {
      if (seq === lastLine?.seq) return lastLine.text
      const line = lines.get(seq)
      return line && serializeLine(seq, line)
    },
  }
}
