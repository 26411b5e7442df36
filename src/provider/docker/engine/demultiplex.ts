import type { OutputChunk } from '../../../workspace/guest-process.ts'

const headerBytes = 8
const stdoutType = 1

/**
 * Takes the engine's frames apart: 8 bytes of header, the first of which names the stream and the last four the length, then the payload.
 * Give it each chunk as it comes; `take` is told each part of a payload, and whether a frame begins with it. The parts are of the chunk, not
 * copies, and of an unfinished frame nothing is kept but where it is.
 */
export function demultiplex(
  onPayload: (stream: OutputChunk['stream'], bytes: Buffer, startsFrame: boolean) => void,
): (chunk: Buffer) => void {
  const header = Buffer.alloc(headerBytes)
  let headerLength = 0
  let payloadRemaining = 0
  let startsFrame = true
  return (chunk) => {
    for (let offset = 0; offset < chunk.length; ) {
      if (payloadRemaining > 0) {
        const end = Math.min(offset + payloadRemaining, chunk.length)
        onPayload(header[0] === stdoutType ? 'stdout' : 'stderr', chunk.subarray(offset, end), startsFrame)
        startsFrame = false
        payloadRemaining -= end - offset
        offset = end
        continue
      }
      const copiedBytes = chunk.copy(header, headerLength, offset, offset + headerBytes - headerLength)
      headerLength += copiedBytes
      offset += copiedBytes
      if (headerLength < headerBytes) return
      headerLength = 0
      payloadRemaining = header.readUInt32BE(4)
      startsFrame = true
    }
  }
}
