/** The field `key` of what the engine answered; `undefined` if that is no object or has no such field. */
export function field(of: unknown, ...keys: readonly string[]): unknown {
  let at = of
  for (const key of keys) {
    if (typeof at !== 'object' || at === null) return undefined
    at = Reflect.get(at, key)
  }
  return at
}

/** The text at `keys`; `undefined` if there is none. */
export function text(of: unknown, ...keys: readonly string[]): string | undefined {
  const found = field(of, ...keys)
  return typeof found === 'string' ? found : undefined
}

/** The finite number at `keys`; `undefined` if there is none. */
export function number(of: unknown, ...keys: readonly string[]): number | undefined {
  const found = field(of, ...keys)
  return typeof found === 'number' && Number.isFinite(found) ? found : undefined
}

/** The list at `keys`; empty if there is none or `null`. */
export function list(of: unknown, ...keys: readonly string[]): readonly unknown[] {
  const found: unknown = field(of, ...keys)
  return Array.isArray(found) ? found : []
}
