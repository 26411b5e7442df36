/** Calls `callback` at most once per `intervalMs`; calls in between are dropped. `now` returns milliseconds. */
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
