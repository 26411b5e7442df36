const units = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1000],
] as const

/** A span of time in its two largest units, “2 h 5 min”; below a second in milliseconds. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`
  const unitIndex = units.findIndex(([, length]) => ms >= length)
  const [name, length] = units[unitIndex] ?? ['s', 1000]
  const next = units[unitIndex + 1]
  const whole = Math.floor(ms / length)
  const rest = next ? Math.floor((ms % length) / next[1]) : 0
  return next && rest > 0 ? `${whole} ${name} ${rest} ${next[0]}` : `${whole} ${name}`
}

/** A time of the API in the reader's own zone: the hour alone if it is today. */
export function formatTime(iso: string, now = Date.now()): string {
  const time = new Date(iso)
  const isToday = time.toDateString() === new Date(now).toDateString()
  return isToday
    ? time.toLocaleTimeString(undefined, { hour12: false })
    : time.toLocaleString(undefined, { dateStyle: 'short', timeStyle: 'short', hour12: false })
}

/** How long ago, or how long to go. */
export function msUntil(iso: string, now: number): number {
  return Date.parse(iso) - now
}
