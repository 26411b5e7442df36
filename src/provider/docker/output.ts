import { stripVTControlCharacters } from 'node:util'

/** What a command wrote: the end of it, and no more than a person wants to read. */
export interface Output {
  /** A chunk of the engine's stream, which carries stdout and stderr in frames: 8 bytes of header, then the payload. */
  hear(chunk: Buffer): void
  /** The last line with something in it; empty if nothing was written. */
  lastLine(): string
  /** The last lines, oldest first. */
  tail(): string
}

const mostBytes = 4_096
const mostLines = 20

/** Keeps the last 20 lines, and of these the last 4 kB, of a stream in the engine's frames. */
export function outputTail(): Output {
  let pending: Buffer = Buffer.alloc(0)
  let kept: Buffer = Buffer.alloc(0)
  const lines = (): string[] => {
    // biome-ignore lint: control characters are what is to be taken out
    const clean = stripVTControlCharacters(kept.toString('utf8'))
      .replace(/\r\n?/g, '\n')
      .replace(/[^\P{Cc}\n\t]/gu, '')
    return clean
      .split('\n')
      .map((line) => line.trimEnd())
      .filter((line) => line !== '')
  }
  return {
    hear(chunk) {
      pending = Buffer.concat([pending, chunk])
      for (;;) {
        if (pending.length < 8) return
        const length = pending.readUInt32BE(4)
        if (pending.length < 8 + length) return
        kept = Buffer.concat([kept, pending.subarray(8, 8 + length)]).subarray(-mostBytes)
        pending = pending.subarray(8 + length)
      }
    },
    lastLine: () => lines().at(-1) ?? '',
    tail: () => lines().slice(-mostLines).join('\n'),
  }
}
