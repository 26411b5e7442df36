/**
 * Calls `callback` at most once per `intervalMs` and drops the calls in between. The text is computed only when it is passed on.
 * `now` is in milliseconds.
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
