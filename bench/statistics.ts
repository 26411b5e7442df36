import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs'

/** The median of `values`; for an even count, the mean of the middle two. `NaN` for an empty list. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  const [low, high] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]]
  return low === undefined || high === undefined ? Number.NaN : (low + high) / 2
}

/** The smallest value that `percent` percent of `values` do not exceed. `NaN` for an empty list. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.ceil((sorted.length * percent) / 100) - 1] ?? Number.NaN
}

/** `value` rounded to `digits` decimal places. */
export function roundTo(value: number, digits = 2): number {
  return Number(value.toFixed(digits))
}

/** Runs `a` and `b` alternately, swapping the order each round, so that other load on the machine affects both equally. */
export async function runInTurns<A, B>(
  rounds: number,
  a: () => Promise<A>,
  b: () => Promise<B>,
): Promise<{ a: A[]; b: B[] }> {
  const results: { a: A[]; b: B[] } = { a: [], b: [] }
  for (let round = 0; round < rounds; round += 1) {
    if (round % 2 === 0) results.a.push(await a())
    results.b.push(await b())
    if (round % 2 === 1) results.a.push(await a())
  }
  return results
}

/** The median duration in milliseconds of an fsync after a small write to the file at `path`, which is created. */
export function medianFsyncMs(path: string, writes: number): number {
  const fd = openSync(path, 'w')
  const durationsMs = Array.from({ length: writes }, () => {
    writeSync(fd, 'x')
    const startedAt = performance.now()
    fsyncSync(fd)
    return performance.now() - startedAt
  })
  closeSync(fd)
  return median(durationsMs)
}
