import { stripVTControlCharacters } from 'node:util'
import type { RunOutput } from '../../workspace/run.ts'
import { demultiplex } from './demultiplex.ts'

/** What a command wrote: the end of it, and no more than a person wants to read. */
export interface Output {
  /** A chunk of the engine's stream, which carries stdout and stderr in frames. */
  hear(chunk: Buffer): void
  /** The last line with something in it; empty if nothing was written. */
  lastLine(): string
  /** The last lines, oldest first; those of stderr at the end. */
  tail(): string
}

const mostBytes = 4_096
const mostLines = 20

/**
 * Keeps the last 20 lines, and of these some 4 kB, of a stream in the engine's frames. The two streams are kept apart:
 * the engine copies them side by side, so which of two lines was written first cannot be told, and what went wrong is
 * on stderr as a rule. `each` is told all of it, as it comes.
 */
export function outputTail(each: (output: RunOutput) => void = () => {}): Output {
  let last: 'out' | 'err' = 'out'
  const kept: Record<'out' | 'err', Buffer> = { out: Buffer.alloc(0), err: Buffer.alloc(0) }

  const hear = demultiplex((stream, bytes) => {
    last = stream === 'stderr' ? 'err' : 'out'
    kept[last] = Buffer.concat([kept[last], bytes]).subarray(-mostBytes)
    each({ stream, bytes })
  })

  return {
    hear,
    lastLine: () => linesOf(kept[last]).at(-1) ?? '',
    tail() {
      const out = linesOf(kept.out)
      const err = linesOf(kept.err)
      const share = out.length > 0 && err.length > 0 ? 0.5 : 1
      return [...shortened(out, share), ...shortened(err, share)].join('\n')
    },
  }
}

function linesOf(bytes: Buffer): string[] {
  const clean = stripVTControlCharacters(bytes.toString('utf8')).replace(/\r\n?/g, '\n')
  const lines = clean.replace(/[^\P{Cc}\n\t]/gu, '').split('\n')
  return lines.map((line) => line.trimEnd()).filter((line) => line !== '')
}

function shortened(lines: readonly string[], share: number): readonly string[] {
  return lines
    .slice(-mostLines * share)
    .join('\n')
    .slice(-mostBytes * share)
    .split('\n')
    .filter(Boolean)
}
