/**
 * Cuts a stream of bytes into pieces of at most `mostBytes` (4 or more), none of which ends within a character of UTF-8: up to three bytes are held back
 * until the rest of theirs has come.
 */
export function wholeCharacters(mostBytes: number) {
  let held: Buffer | null = null
  return {
    /** The pieces that are whole now. */
    push(bytes: Buffer): Buffer[] {
      let rest = held === null ? bytes : Buffer.concat([held, bytes])
      const pieces: Buffer[] = []
      while (rest.length > 0) {
        const piece = rest.subarray(0, Math.min(mostBytes, rest.length))
        const whole = piece.subarray(0, piece.length - begunBytes(piece))
        if (whole.length === 0) break
        pieces.push(whole)
        rest = rest.subarray(whole.length)
      }
      held = rest.length > 0 ? rest : null
      return pieces
    },
    /** What was held back, at the end. */
    rest(): Buffer[] {
      const last = held === null ? [] : [held]
      held = null
      return last
    },
  }
}

/** How many bytes at the end begin a character that goes on. */
function begunBytes(bytes: Buffer): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] ?? 0
    if ((byte & 0xc0) === 0x80) continue
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1
    return length > back ? back : 0
  }
  return 0
}
