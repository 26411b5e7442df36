/**
 * Hands on `tell` at most once in `everyMs`; what comes in between is dropped, the next one tells more. `now` is in
 * milliseconds.
 */
export function throttle(
  callback: (text: string) => void,
  intervalMs: number,
  now: () => number,
): (text: () => string) => void {
  let lastCallMs = Number.NEGATIVE_INFINITY
  return (text) => {
    if (now() - lastCallMs < intervalMs) return
    lastCallMs = now()
    callback(text())
  }
}
