/**
 * Hands on `tell` at most once in `everyMs`; what comes in between is dropped, the next one tells more. `now` is in
 * milliseconds.
 */
export function paced(tell: (text: string) => void, everyMs: number, now: () => number): (text: () => string) => void {
  let last = Number.NEGATIVE_INFINITY
  return (text) => {
    if (now() - last < everyMs) return
    last = now()
    tell(text())
  }
}
