import { stripVTControlCharacters } from 'node:util'
import type { OutputChunk } from '../../../workspace/guest-process.ts'
import { demultiplex } from './demultiplex.ts'

/** The last lines of a command's output. */
export interface OutputTail {
  /** Appends a chunk of the engine's multiplexed stream. */
  append(chunk: Buffer): void
  /** The last non-empty line of the stream written last; empty if there is no output. */
  lastLine(): string
  /** The last lines, oldest first, with those of stderr at the end. */
  tail(): string
}

const maxBytes = 4_096
const maxLines = 20

/**
 * Keeps the last 20 lines, up to about 4 kB, of a multiplexed stream. Stdout and stderr stay separate: the engine copies
 * them concurrently, so their relative order is unknown, and the cause of a failure is usually on stderr. `onChunk`
 * receives all output as it arrives.
 */
export function outputTail(onChunk: (chunk: OutputChunk) => void = () => {}): OutputTail {
  let lastStream: OutputChunk['stream'] = 'stdout'
  const tails: Record<OutputChunk['stream'], Buffer> = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) }

  const append = demultiplex((stream, bytes) => {
    lastStream = stream
    tails[stream] = Buffer.concat([tails[stream], bytes]).subarray(-maxBytes)
    onChunk({ stream, bytes })
  })

  return {
    append,
    lastLine: () => printableLines(tails[lastStream]).at(-1) ?? '',
    tail() {
      const stdout = printableLines(tails.stdout)
      const stderr = printableLines(tails.stderr)
      const share = stdout.length > 0 && stderr.length > 0 ? 0.5 : 1
      return [...truncateLines(stdout, share), ...truncateLines(stderr, share)].join('\n')
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
