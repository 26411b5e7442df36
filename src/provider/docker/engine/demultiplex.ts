import type { OutputChunk } from '../../../workspace/guest-process.ts'

const headerBytes = 8
const stdoutType = 1

/**
 * Splits the engine's multiplexed stream into payloads. Each frame has an 8-byte header (the first byte names the
 * stream, the last four give the length) followed by the payload. Pass each chunk to the returned function; `onPayload`
 * receives each part of a payload and whether the part starts a frame. Parts are views of the chunk, not copies, and no
 * payload is buffered.
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
