import type { RunOutput } from '../../workspace/run.ts'

const headerBytes = 8
const stdout = 1

/**
 * Takes the engine's frames apart: 8 bytes of header, the first of which names the stream and the last four the length, then the payload.
 * Give it each chunk as it comes; `take` is told each part of a payload, and whether a frame begins with it. The parts are of the chunk, not
 * copies, and of an unfinished frame nothing is kept but where it is.
 */
export function demultiplex(
  take: (stream: RunOutput['stream'], bytes: Buffer, begins: boolean) => void,
): (chunk: Buffer) => void {
  const header = Buffer.alloc(headerBytes)
  let known = 0
  let left = 0
  let begins = true
  return (chunk) => {
    for (let at = 0; at < chunk.length; ) {
      if (left > 0) {
        const end = Math.min(at + left, chunk.length)
        take(header[0] === stdout ? 'stdout' : 'stderr', chunk.subarray(at, end), begins)
        begins = false
        left -= end - at
        at = end
        continue
      }
      const copied = chunk.copy(header, known, at, at + headerBytes - known)
      known += copied
      at += copied
      if (known < headerBytes) return
      known = 0
      left = header.readUInt32BE(4)
      begins = true
    }
  }
}
