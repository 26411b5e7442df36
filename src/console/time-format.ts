const units = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1000],
] as const

/** A duration in its two largest units, “2 h 5 min”; in milliseconds below a second. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`
  const unitIndex = units.findIndex(([, length]) => ms >= length)
  const [name, length] = units[unitIndex] ?? ['s', 1000]
  const next = units[unitIndex + 1]
  const whole = Math.floor(ms / length)
  const remainder = next ? Math.floor((ms % length) / next[1]) : 0
  return next && remainder > 0 ? `${whole} ${name} ${remainder} ${next[0]}` : `${whole} ${name}`
}

/** A time of the API in the browser's time zone; without the date if it is today. */
export function formatTime(iso: string, now = Date.now()): string {
  const time = new Date(iso)
  const isToday = time.toDateString() === new Date(now).toDateString()
  return isToday
    ? time.toLocaleTimeString(undefined, { hour12: false })
    : time.toLocaleString(undefined, { dateStyle: 'short', timeStyle: 'short', hour12: false })
}

/** The time left until `iso`, “in 2 h 5 min”; “now” once it has passed. */
export function countdown(iso: string, now: number): string {
  const msLeft = Date.parse(iso) - now
  return msLeft > 0 ? `in ${formatDuration(Math.max(1000, msLeft))}` : 'now'
}
