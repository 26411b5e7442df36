/** One event of a stream of Server-Sent Events. */
export interface ServerSentEvent {
  readonly id: string | null
  readonly event: string
  readonly data: string
}

/**
 * Parses a stream of Server-Sent Events, however it is chunked. A comment is a keep-alive and yields `null`; an unfinished event is dropped.
 * Ends with the stream; throws what reading it throws.
 */
export async function* parseServerSentEvents(
  body: ReadableStream<Uint8Array>,
): AsyncGenerator<ServerSentEvent | null, void, undefined> {
  const reader = body.getReader()
  const decoder = new TextDecoder()
  let buffered = ''
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      buffered += decoder.decode(value, { stream: true })
      const blocks = buffered.split(/\r?\n\r?\n/)
      buffered = blocks.pop() ?? ''
      for (const block of blocks) yield parseEventBlock(block)
    }
  } finally {
    await reader.cancel().catch(() => {}) // the stream may have failed already
  }
}

function parseEventBlock(block: string): ServerSentEvent | null {
  const fields = new Map<string, string>()
  for (const line of block.split(/\r?\n/)) {
    const [, name = '', value = ''] = /^([a-z]+): ?(.*)$/.exec(line) ?? []
    const previous = fields.get(name)
    if (name !== '') fields.set(name, name === 'data' && previous !== undefined ? `${previous}\n${value}` : value)
  }
  const data = fields.get('data')
  return data === undefined ? null : { id: fields.get('id') ?? null, event: fields.get('event') ?? 'message', data }
}
