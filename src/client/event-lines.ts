/** One event of a stream of Server-Sent Events. */
export interface SentEvent {
  readonly id: string | null
  readonly event: string
  readonly data: string
}

/**
 * Takes a stream of Server-Sent Events apart, whatever pieces it arrives in. A comment is a sign of life and comes as `null`.
 * Ends with the stream; throws what reading it throws.
 */
export async function* sentEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<SentEvent | null, void, undefined> {
  const reader = body.getReader()
  const decoder = new TextDecoder()
  let text = ''
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      text += decoder.decode(value, { stream: true })
      const blocks = text.split(/\r?\n\r?\n/)
      text = blocks.pop() ?? ''
      for (const block of blocks) yield eventOf(block)
    }
  } finally {
    await reader.cancel().catch(() => {}) // it may have broken already
  }
}

function eventOf(block: string): SentEvent | null {
  const fields = new Map<string, string>()
  for (const line of block.split(/\r?\n/)) {
    const [, name = '', value = ''] = /^([a-z]+): ?(.*)$/.exec(line) ?? []
    const before = fields.get(name)
    if (name !== '') fields.set(name, name === 'data' && before !== undefined ? `${before}\n${value}` : value)
  }
  const data = fields.get('data')
  return data === undefined ? null : { id: fields.get('id') ?? null, event: fields.get('event') ?? 'message', data }
}
