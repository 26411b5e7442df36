const units: Readonly<Record<string, number>> = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3, t: 1024 ** 4 }

/**
 * The bytes that a size names: a whole number of bytes, or text as container engines and dev containers write it (`2g`, `2gb`, `1.5GiB`,
 * `512 MiB`). A unit always counts by 1024, as theirs do. `undefined` if it is neither.
 */
export function parseMemoryBytes(size: unknown): number | undefined {
  if (typeof size === 'number') return Number.isSafeInteger(size) ? size : undefined
  const [, amount, unit] =
    typeof size === 'string' ? (/^(\d+(?:\.\d+)?)\s*(?:([kmgt]?)(?:i?b)?)$/i.exec(size.trim()) ?? []) : []
  if (amount === undefined) return undefined
  const bytes = Math.round(Number(amount) * (units[(unit ?? '').toLowerCase()] ?? Number.NaN))
  return Number.isSafeInteger(bytes) ? bytes : undefined
}
