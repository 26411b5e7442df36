// Bytes in JSON: text if they are valid UTF-8, base64 otherwise.

export interface EncodedBytes {
  readonly data: string
  readonly encoding?: 'base64' | undefined
}

const encoder = new TextEncoder()

export function decodeBytes({ data, encoding }: EncodedBytes): Uint8Array {
  if (encoding !== 'base64') return encoder.encode(data)
  const characters = atob(data)
  const bytes = new Uint8Array(characters.length)
  // All binary output passes through here: `Uint8Array.from` with a function is twenty times slower.
  for (let index = 0; index < bytes.length; index += 1) bytes[index] = characters.charCodeAt(index)
  return bytes
}

/** The inverse of {@link decodeBytes}. */
export function encodeBytes(bytes: Uint8Array): { data: string; encoding?: 'base64' } {
  try {
    return { data: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes) }
  } catch {
    const characters: string[] = []
    // Engines limit the number of arguments of a call.
    for (let offset = 0; offset < bytes.length; offset += 8192)
      characters.push(String.fromCharCode(...bytes.subarray(offset, offset + 8192)))
    return { data: btoa(characters.join('')), encoding: 'base64' }
  }
}

/** Bytes to send: a web stream, or any async iterable, such as a stream of Node. */
export type ByteSource = ReadableStream<Uint8Array> | AsyncIterable<Uint8Array>

/** A request body that is sent while it is read. `fetch` requires `duplex` for it. */
export function streamingBody(source: ByteSource): {
  readonly body: ReadableStream<Uint8Array>
  readonly duplex: 'half'
} {
  return { body: toReadableStream(source), duplex: 'half' }
}

// `ReadableStream.from` would do, but not every browser has it.
function toReadableStream(source: ByteSource): ReadableStream<Uint8Array> {
  if ('getReader' in source) return source
  const chunks = source[Symbol.asyncIterator]()
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await chunks.next()
      if (done === true) controller.close()
      else controller.enqueue(value)
    },
    async cancel() {
      await chunks.return?.()
    },
  })
}
