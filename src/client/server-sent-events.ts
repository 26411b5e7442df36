/** One event of a stream of Server-Sent Events. */
export interface ServerSentEvent {
  readonly id: string | null
  readonly event: string
  readonly data: string
}

/**
 * Takes a stream of Server-Sent Events apart, whatever pieces it arrives in. A comment is a sign of life and comes as `null`.
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
    await reader.cancel().catch(() => {}) // it may have broken already
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
