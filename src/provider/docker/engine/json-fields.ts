/** The field at the path `keys` of an engine response; `undefined` if any part of the path is missing. */
export function jsonField(value: unknown, ...keys: readonly string[]): unknown {
  let current = value
  for (const key of keys) {
    if (typeof current !== 'object' || current === null) return undefined
    current = Reflect.get(current, key)
  }
  return current
}

/** The string at the path `keys`; `undefined` for anything else. */
export function stringField(value: unknown, ...keys: readonly string[]): string | undefined {
  const field = jsonField(value, ...keys)
  return typeof field === 'string' ? field : undefined
}

/** The finite number at the path `keys`; `undefined` for anything else. */
export function numberField(value: unknown, ...keys: readonly string[]): number | undefined {
  const field = jsonField(value, ...keys)
  return typeof field === 'number' && Number.isFinite(field) ? field : undefined
}

/** The array at the path `keys`; empty for anything else. */
export function arrayField(value: unknown, ...keys: readonly string[]): readonly unknown[] {
  const field: unknown = jsonField(value, ...keys)
  return Array.isArray(field) ? field : []
}
