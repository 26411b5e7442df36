/** Parses newline-delimited JSON, however the stream is chunked. An empty line is a keep-alive and yields `null`; an unfinished line is dropped. */
export async function* parseNdjson(body: ReadableStream<Uint8Array>): AsyncGenerator<unknown, void, undefined> {
  const reader = body.getReader()
  const decoder = new TextDecoder()
  // A long line arrives in many chunks: joining them once keeps that linear.
  let lineParts: string[] = []
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      const lines = decoder.decode(value, { stream: true }).split('\n')
      lineParts.push(lines[0] ?? '')
      if (lines.length === 1) continue
      lines[0] = lineParts.join('')
      lineParts = [lines.pop() ?? '']
      for (const line of lines) yield line.trim() === '' ? null : JSON.parse(line)
    }
  } finally {
    await reader.cancel().catch(() => {}) // the stream may have failed already
  }
}
