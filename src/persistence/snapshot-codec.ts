/** What is stored of an actor: where it is and what it remembers, and nothing of XState's own (law 7 reads it back with care). */
export interface StoredSnapshot {
  readonly value: string | Readonly<Record<string, unknown>>
  readonly context: Readonly<Record<string, unknown>>
}

export function encodeSnapshot({ value, context }: { value: unknown; context: object }): string {
  return JSON.stringify({ value, context })
}

/**
 * Reads a stored snapshot.
 * @throws {Error} when it is not one, saying what is wrong with it; whether the state exists is the machine's to say.
 */
export function decodeSnapshot(text: string): StoredSnapshot {
  const parsed: unknown = JSON.parse(text)
  if (!isObject(parsed)) throw new Error('the snapshot is no object')
  const { value, context } = parsed
  if (typeof value !== 'string' && !isObject(value)) throw new Error('the snapshot has no state')
  if (!isObject(context)) throw new Error('the snapshot has no context')
  return { value, context }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
