/** The field `key` of what the engine answered; `undefined` if that is no object or has no such field. */
export function jsonField(value: unknown, ...keys: readonly string[]): unknown {
  let current = value
  for (const key of keys) {
    if (typeof current !== 'object' || current === null) return undefined
    current = Reflect.get(current, key)
  }
  return current
}

/** The text at `keys`; `undefined` if there is none. */
export function stringField(value: unknown, ...keys: readonly string[]): string | undefined {
  const member = jsonField(value, ...keys)
  return typeof member === 'string' ? member : undefined
}

/** The finite number at `keys`; `undefined` if there is none. */
export function numberField(value: unknown, ...keys: readonly string[]): number | undefined {
  const member = jsonField(value, ...keys)
  return typeof member === 'number' && Number.isFinite(member) ? member : undefined
}

/** The list at `keys`; empty if there is none or `null`. */
export function arrayField(value: unknown, ...keys: readonly string[]): readonly unknown[] {
  const member: unknown = jsonField(value, ...keys)
  return Array.isArray(member) ? member : []
}
