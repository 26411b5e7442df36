import type { RunOutput } from '../../workspace/run.ts'

const headerBytes = 8
const stdout = 1

/**
 * Takes the engine's frames apart: 8 bytes of header, the first of which names the stream and the last four the length, then the payload.
 * Give it each chunk as it comes. What it answers are parts of that chunk, not copies, and of an unfinished frame it keeps nothing but where it is.
 */
export function demultiplex(): (chunk: Buffer) => readonly RunOutput[] {
  const header = Buffer.alloc(headerBytes)
  let known = 0
  let left = 0
  return (chunk) => {
    const pieces: RunOutput[] = []
    let at = 0
    while (at < chunk.length) {
      if (left > 0) {
        const end = Math.min(at + left, chunk.length)
        pieces.push({ stream: header[0] === stdout ? 'stdout' : 'stderr', bytes: chunk.subarray(at, end) })
        left -= end - at
        at = end
        continue
      }
      const copied = chunk.copy(header, known, at, at + headerBytes - known)
      known += copied
      at += copied
      if (known < headerBytes) break
      known = 0
      left = header.readUInt32BE(4)
    }
    return pieces
  }
}

/** What a terminal writes: no frames, and one stream. */
export function unframed(chunk: Buffer): readonly RunOutput[] {
  return chunk.length === 0 ? [] : [{ stream: 'stdout', bytes: chunk }]
}
