// The newest output of one run, as numbered lines.
//   K1. Lines are numbered from 1 without a gap, whatever is dropped.
//   K2. A line that nobody has read yet still grows; from then on it is what it is. It is put into words once, for all readers.
import type { RunOutput } from '../workspace/run.ts'
import { outputLine } from './output-line.ts'

export interface KeptLimits {
  readonly bytes: number
  /** Short lines cost more memory than they have bytes. */
  readonly lines: number
  /** Of one line. */
  readonly lineBytes: number
}

export const usualLimits: KeptLimits = { bytes: 1024 * 1024, lines: 4096, lineBytes: 64 * 1024 }

/** Pieces of a line are put together now and then: each alone costs more than it has bytes. */
const mostPieces = 64

interface Line {
  readonly stream: RunOutput['stream']
  /** Bytes of output before this line. */
  readonly before: number
  bytes: number
  pieces: Buffer[]
  text: string | null
}

export type KeptOutput = ReturnType<typeof keptOutput>

/** `share` says how many bytes it may keep now, if that is less than its limit. */
export function keptOutput(limits: KeptLimits, share: () => number = () => Infinity) {
  const lines = new Map<number, Line>()
  let oldest = 1
  let newest = 0
  let kept = 0
  let total = 0
  let end: { readonly seq: number; readonly text: string } | null = null

  function textOf(seq: number, line: Line): string {
    const [first] = line.pieces
    line.text ??= outputLine(seq, line.stream, first && line.pieces.length === 1 ? first : Buffer.concat(line.pieces))
    line.pieces = []
    return line.text
  }

  return {
    /** Adds a piece of at most `lineBytes`. */
    add(stream: RunOutput['stream'], bytes: Buffer): void {
      const tail = lines.get(newest)
      if (tail && tail.text === null && tail.stream === stream && tail.bytes + bytes.length <= limits.lineBytes) {
        tail.pieces.push(bytes)
        tail.bytes += bytes.length
        if (tail.pieces.length > mostPieces) tail.pieces = [Buffer.concat(tail.pieces)]
      } else {
        newest += 1
        lines.set(newest, { stream, before: total, bytes: bytes.length, pieces: [bytes], text: null })
      }
      kept += bytes.length
      total += bytes.length
    },
    /** Adds the last line, which is kept whatever comes. */
    end(lineAt: (seq: number) => string): void {
      end = { seq: newest + 1, text: lineAt(newest + 1) }
    },
    isFull: () => kept > Math.min(limits.bytes, share()) || lines.size > limits.lines,
    keptBytes: () => kept,
    dropOldest(): void {
      const line = lines.get(oldest)
      if (!line) return
      kept -= line.bytes
      lines.delete(oldest)
      oldest += 1
    },
    /** The number of the oldest line that is kept, or of the next one if there is none. */
    oldest: () => oldest,
    /** The number of the newest line; 0 if there is none. */
    newest: () => end?.seq ?? newest,
    ended: () => end !== null,
    /** Bytes of output before a line. */
    bytesBefore: (seq: number): number => lines.get(seq)?.before ?? total,
    /** A line as it is sent; `undefined`: there is none yet. */
    line(seq: number): string | undefined {
      if (seq === end?.seq) return end.text
      const line = lines.get(seq)
      return line && textOf(seq, line)
    },
  }
}
