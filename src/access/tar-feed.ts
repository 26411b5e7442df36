import type { Readable } from 'node:stream'

const block = 512
const compressed: readonly (readonly [name: string, magic: readonly number[]])[] = [
  ['gzip', [0x1f, 0x8b]],
  ['bzip2', [0x42, 0x5a, 0x68]],
  ['xz', [0xfd, 0x37, 0x7a, 0x58]],
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
]

/** Watches the bytes of a tar stream on their way: whoever takes it apart does not mind if its end is missing. */
export function tarFeed(source: Readable) {
  let total = 0
  let zeros = 0
  let entriesEnd = 0
  let packed: string | undefined
  let cutOff = false

  async function* bytes(): AsyncGenerator<Buffer> {
    try {
      for await (const chunk of source) {
        if (!Buffer.isBuffer(chunk)) throw new Error('bytes are meant')
        if (total === 0) packed = compressed.find(([, magic]) => magic.every((byte, at) => chunk[at] === byte))?.[0]
        if (packed !== undefined) throw new Error(`it is compressed with ${packed}`)
        total += chunk.length
        const tail = chunk.subarray(-block)
        const blank = tail.length - 1 - tail.findLastIndex((byte) => byte !== 0)
        zeros = blank === tail.length ? Math.min(block, zeros + blank) : blank
        yield chunk
      }
    } catch (error) {
      cutOff = packed === undefined
      throw error
    }
  }

  return {
    bytes,
    entryEndsAt(place: number) {
      entriesEnd = place
    },
    /** Is there an end, and nothing but that behind the last entry? */
    isWhole: () => zeros === block && total - Math.ceil(entriesEnd / block) * block >= block,
    /** Why it could not be read to the end. */
    wrong: () =>
      packed !== undefined
        ? `it is compressed with ${packed}: send a plain tar`
        : cutOff
          ? 'it is cut off'
          : 'it is no tar, or is damaged or cut off: send a plain tar',
  }
}
