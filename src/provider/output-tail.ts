import { stripVTControlCharacters } from 'node:util'
import type { OutputChunk } from '../workspace/guest-process.ts'

/** The end of what a command wrote, cut to what fits into an error message. */
export interface OutputTail {
  append(chunk: OutputChunk): void
  /** The last line that is not blank; empty if there is none. */
  lastLine(): string
  /** The last lines, oldest first; those of stderr at the end. */
  tail(): string
}

const maxBytes = 4_096
const maxLines = 20

/**
 * Keeps the last 20 lines of output, at most 4 kB. stdout and stderr are kept apart: Docker copies them side by side, so the order of
 * two lines is unknown, and the reason of a failure is usually on stderr.
 */
export function outputTail(): OutputTail {
  let lastStream: OutputChunk['stream'] = 'stdout'
  const tails: Record<OutputChunk['stream'], Buffer> = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) }
  return {
    append({ stream, bytes }) {
      lastStream = stream
      tails[stream] = Buffer.concat([tails[stream], bytes]).subarray(-maxBytes)
    },
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
