/** The stored part of an actor: its state and its context, without XState's own fields (law 7). */
export interface StoredSnapshot {
  readonly value: string | Readonly<Record<string, unknown>>
  readonly context: Readonly<Record<string, unknown>>
}

export function encodeSnapshot({ value, context }: { value: unknown; context: object }): string {
  return JSON.stringify({ value, context })
}

/**
 * Decodes a stored snapshot. Whether its state exists is for the machine to check.
 * @throws {Error} when the text is not a snapshot, with the reason.
 */
export function decodeSnapshot(text: string): StoredSnapshot {
  const parsed: unknown = JSON.parse(text)
  if (!isObject(parsed)) throw new Error('the snapshot is not an object')
  const { value, context } = parsed
  if (typeof value !== 'string' && !isObject(value)) throw new Error('the snapshot has no state')
  if (!isObject(context)) throw new Error('the snapshot has no context')
  return { value, context }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
