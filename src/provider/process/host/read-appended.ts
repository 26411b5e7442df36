import type { FileHandle } from 'node:fs/promises'

const chunkBytes = 65_536

/** Reads a file from an offset to its present end. Chunks are never empty. */
export async function* readAppended(file: FileHandle, startOffset: number): AsyncGenerator<Buffer> {
  const { size } = await file.stat()
  for (let offset = startOffset; offset < size; ) {
    const bytes = await readAt(file, offset, Math.min(chunkBytes, size - offset))
    if (bytes.length === 0) return
    offset += bytes.length
    yield bytes
  }
}

/** Reads at most `length` bytes from an offset. */
export async function readAt(file: FileHandle, offset: number, length: number): Promise<Buffer> {
  const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(length), 0, length, offset)
  return buffer.subarray(0, bytesRead)
}
