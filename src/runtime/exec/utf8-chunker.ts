/**
 * Splits a stream of bytes into chunks of at most `maxBytes` (4 or more), none of which ends within a UTF-8 character: up to three bytes are
 * held back until the rest of the character has come.
 */
export function utf8Chunker(maxBytes: number) {
  let carry: Buffer | null = null
  return {
    /** Adds bytes, and returns the chunks that are complete. */
    push(bytes: Buffer): Buffer[] {
      let rest = carry === null ? bytes : Buffer.concat([carry, bytes])
      const chunks: Buffer[] = []
      while (rest.length > 0) {
        const chunk = rest.subarray(0, Math.min(maxBytes, rest.length))
        const complete = chunk.subarray(0, chunk.length - incompleteTailBytes(chunk))
        if (complete.length === 0) break
        chunks.push(complete)
        rest = rest.subarray(complete.length)
      }
      carry = rest.length > 0 ? rest : null
      return chunks
    },
    /** Returns the bytes that were held back, at the end of the stream. */
    flush(): Buffer[] {
      const remaining = carry === null ? [] : [carry]
      carry = null
      return remaining
    },
  }
}

/** How many bytes at the end begin a character that is incomplete. */
function incompleteTailBytes(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] ?? 0
    if ((byte & 0xc0) === 0x80) continue
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1
    return length > back ? back : 0
  }
  return 0
}
