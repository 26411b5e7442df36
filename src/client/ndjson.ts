/** Takes a stream of JSON lines apart, whatever pieces it arrives in. An empty line is a sign of life and comes as `null`. */
export async function* parseNdjson<T>(body: ReadableStream<Uint8Array>): AsyncGenerator<T | null, void, undefined> {
  const reader = body.getReader()
  const decoder = new TextDecoder()
  // A long line comes in many pieces: they are put together once.
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
      for (const line of lines) yield line.trim() === '' ? null : (JSON.parse(line) as T)
    }
  } finally {
    await reader.cancel().catch(() => {}) // it may have broken already
  }
}
