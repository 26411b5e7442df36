import type { Readable } from 'node:stream'

const tarBlockBytes = 512
const compressionFormats: readonly (readonly [name: string, magic: readonly number[]])[] = [
  ['gzip', [0x1f, 0x8b]],
  ['bzip2', [0x42, 0x5a, 0x68]],
  ['xz', [0xfd, 0x37, 0x7a, 0x58]],
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
]

/** Watches the bytes of a tar stream on their way: whoever takes it apart does not mind if its end is missing. */
export function tarIntegrity(source: Readable) {
  let total = 0
  let trailingZeros = 0
  let lastEntryEnd = 0
  let compression: string | undefined
  let isTruncated = false

  async function* bytes(): AsyncGenerator<Buffer> {
    try {
      for await (const chunk of source) {
        if (!Buffer.isBuffer(chunk)) throw new Error('bytes are meant')
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
    /** Is there an end, and nothing but that behind the last entry? */
    isComplete: () =>
      trailingZeros === tarBlockBytes &&
      total - Math.ceil(lastEntryEnd / tarBlockBytes) * tarBlockBytes >= tarBlockBytes,
    /** Why it could not be read to the end. */
    failureReason: () =>
      compression !== undefined
        ? `it is compressed with ${compression}: send a plain tar`
        : isTruncated
          ? 'it is cut off'
          : 'it is no tar, or is damaged or cut off: send a plain tar',
  }
}
