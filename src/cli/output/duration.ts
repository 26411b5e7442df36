import { usageError } from '../cli-error.ts'

const unitSeconds: ReadonlyMap<string, number> = new Map([
  ['w', 604_800],
  ['d', 86_400],
  ['h', 3600],
  ['m', 60],
  ['s', 1],
])

/** Parses `90s`, `15m`, `2h` or `1d12h`. @throws {CliError} for anything else. */
export function parseDurationSeconds(text: string): number {
  const parts = [...text.matchAll(/(\d+)([wdhms])/g)]
  const seconds = parts.reduce((sum, [, count, unit = '']) => sum + Number(count) * (unitSeconds.get(unit) ?? 0), 0)
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== text || seconds === 0)
    throw usageError(`"${text}" is not a duration.`, 'Write it like 90s, 15m, 2h or 1d12h.')
  return seconds
}

/** Formats a duration with its two largest units: `3d 4h`, `2h 5m`, `12s`. */
export function formatShortDuration(ms: number): string {
  let remaining = Math.max(0, Math.floor(ms / 1000))
  const parts: string[] = []
  for (const [unit, seconds] of [
    ['d', 86_400],
    ['h', 3600],
    ['m', 60],
    ['s', 1],
  ] as const) {
    const count = Math.floor(remaining / seconds)
    remaining -= count * seconds
    if (count > 0) parts.push(`${count}${unit}`)
    else if (parts.length > 0) break
    if (parts.length === 2) break
  }
  return parts.length === 0 ? '0s' : parts.join(' ')
}

/** `in 2h 5m`, `now`, or an empty string for `undefined`. */
export function formatTimeUntil(iso: string | undefined, now: number): string {
  if (iso === undefined) return ''
  const ms = Date.parse(iso) - now
  return ms <= 0 ? 'now' : `in ${formatShortDuration(ms)}`
}
