import type { Readable } from 'node:stream'

const tarBlockBytes = 512
const compressionFormats: readonly (readonly [name: string, magic: readonly number[]])[] = [
  ['gzip', [0x1f, 0x8b]],
  ['bzip2', [0x42, 0x5a, 0x68]],
  ['xz', [0xfd, 0x37, 0x7a, 0x58]],
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
]

/** Watches the bytes of a tar stream as they pass, since the extractor does not notice a missing end. */
export function tarIntegrity(source: Readable) {
  let total = 0
  let trailingZeros = 0
  let lastEntryEnd = 0
  let compression: string | undefined
  let isTruncated = false

  async function* bytes(): AsyncGenerator<Buffer> {
    try {
      for await (const chunk of source) {
        if (!Buffer.isBuffer(chunk)) throw new Error('a tar stream consists of bytes')
        if (total === 0)
          compression = compressionFormats.find(([, magic]) => magic.every((byte, index) => chunk[index] === byte))?.[0]
        if (compression !== undefined) throw new Error(`it is compressed with ${compression}`)
        total += chunk.length
        const tail = chunk.subarray(-tarBlockBytes)
        const zeroTail = tail.length - 1 - tail.findLastIndex((byte) => byte !== 0)
        trailingZeros = zeroTail === tail.length ? Math.min(tarBlockBytes, trailingZeros + zeroTail) : zeroTail
        yield chunk
      }
    } catch (error) {
      isTruncated = compression === undefined
      throw error
    }
  }

  return {
    bytes,
    setEntryEnd(offset: number) {
      lastEntryEnd = offset
    },
    /** Whether the end of the archive follows its last entry. */
    isComplete: () =>
      trailingZeros === tarBlockBytes &&
      total - Math.ceil(lastEntryEnd / tarBlockBytes) * tarBlockBytes >= tarBlockBytes,
    /** Why the stream could not be read to its end. */
    failureReason: () =>
      compression !== undefined
        ? `it is compressed with ${compression}: send a plain tar`
        : isTruncated
          ? 'it is truncated'
          : 'it is not a tar archive, or is damaged or truncated: send a plain tar',
  }
}
