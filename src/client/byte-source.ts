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
