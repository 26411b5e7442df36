import { stripVTControlCharacters } from 'node:util'
import type { OutputChunk } from '../../../workspace/guest-process.ts'
import { demultiplex } from './demultiplex.ts'

/** What a command wrote: the end of it, and no more than a person wants to read. */
export interface OutputTail {
  /** A chunk of the engine's stream, which carries stdout and stderr in frames. */
  append(chunk: Buffer): void
  /** The last line with something in it; empty if nothing was written. */
  lastLine(): string
  /** The last lines, oldest first; those of stderr at the end. */
  tail(): string
}

const maxBytes = 4_096
const maxLines = 20

/**
 * Keeps the last 20 lines, and of these some 4 kB, of a stream in the engine's frames. The two streams are kept apart:
 * the engine copies them side by side, so which of two lines was written first cannot be told, and what went wrong is
 * on stderr as a rule. `each` is told all of it, as it comes.
 */
export function outputTail(onChunk: (chunk: OutputChunk) => void = () => {}): OutputTail {
  let lastStream: 'out' | 'err' = 'out'
  const tails: Record<'out' | 'err', Buffer> = { out: Buffer.alloc(0), err: Buffer.alloc(0) }

  const append = demultiplex((stream, bytes) => {
    lastStream = stream === 'stderr' ? 'err' : 'out'
    tails[lastStream] = Buffer.concat([tails[lastStream], bytes]).subarray(-maxBytes)
    onChunk({ stream, bytes })
  })

  return {
    append,
    lastLine: () => printableLines(tails[lastStream]).at(-1) ?? '',
    tail() {
      const out = printableLines(tails.out)
      const err = printableLines(tails.err)
      const share = out.length > 0 && err.length > 0 ? 0.5 : 1
      return [...truncateLines(out, share), ...truncateLines(err, share)].join('\n')
    },
  }
}

function printableLines(bytes: Buffer): string[] {
  const clean = stripVTControlCharacters(bytes.toString('utf8')).replace(/\r\n?/g, '\n')
  const lines = clean.replace(/[^\P{Cc}\n\t]/gu, '').split('\n')
  return lines.map((line) => line.trimEnd()).filter((line) => line !== '')
}

function truncateLines(lines: readonly string[], share: number): readonly string[] {
  return lines
    .slice(-maxLines * share)
    .join('\n')
    .slice(-maxBytes * share)
    .split('\n')
    .filter(Boolean)
}
