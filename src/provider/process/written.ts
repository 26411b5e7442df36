import type { FileHandle } from 'node:fs/promises'

const pieceBytes = 65_536

/** What is in a file from a place on, as far as it has been written by now; never an empty piece. */
export async function* newIn(file: FileHandle, from: number): AsyncGenerator<Buffer> {
  const { size } = await file.stat()
  for (let at = from; at < size; ) {
    const bytes = await readAt(file, at, Math.min(pieceBytes, size - at))
    if (bytes.length === 0) return
    at += bytes.length
    yield bytes
  }
}

/** At most so many bytes from a place on. */
export async function readAt(file: FileHandle, at: number, bytes: number): Promise<Buffer> {
  const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(bytes), 0, bytes, at)
  return buffer.subarray(0, bytesRead)
}
