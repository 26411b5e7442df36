import type { FileHandle } from 'node:fs/promises'

const chunkBytes = 65_536

/** What is in a file from a place on, as far as it has been written by now; never an empty piece. */
export async function* readAppended(file: FileHandle, startOffset: number): AsyncGenerator<Buffer> {
  const { size } = await file.stat()
  for (let offset = startOffset; offset < size; ) {
    const bytes = await readAt(file, offset, Math.min(chunkBytes, size - offset))
    if (bytes.length === 0) return
    offset += bytes.length
    yield bytes
  }
}

/** At most so many bytes from a place on. */
export async function readAt(file: FileHandle, offset: number, length: number): Promise<Buffer> {
  const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(length), 0, length, offset)
  return buffer.subarray(0, bytesRead)
}
