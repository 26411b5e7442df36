import { usageError } from '../cli-error.ts'

const units = { w: 604_800, d: 86_400, h: 3600, m: 60, s: 1 } as const

/** Seconds of `90s`, `15m`, `2h`, `1d12h`. @throws {CliError} for anything else. */
export function parseDurationSeconds(text: string): number {
  const parts = [...text.matchAll(/(\d+)([wdhms])/g)]
  const seconds = parts.reduce((sum, [, count, unit]) => sum + Number(count) * (Object(units)[unit ?? ''] as number), 0)
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== text || seconds === 0)
    throw usageError(`"${text}" is no length of time.`, 'Write it as 90s, 15m, 2h or 1d12h.')
  return seconds
}

/** A length of time in one or two words: `3d 4h`, `2h 5m`, `12s`. */
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

/** `in 2h 5m`, `now`, or nothing. */
export function formatTimeUntil(iso: string | undefined, now: number): string {
  if (iso === undefined) return ''
  const ms = Date.parse(iso) - now
  return ms <= 0 ? 'now' : `in ${formatShortDuration(ms)}`
}
