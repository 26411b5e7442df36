/** What a measure may use, and how thorough it is to be. */
export interface BenchmarkOptions {
  /** Fewer rounds on fewer rows: to see that a measure works, not what it says. */
  readonly quick: boolean
  /** A folder of the run's own, on the disk that databases are measured on. Removed at the end. */
  readonly folder: string
}

/** What a measure found. Ratios are of medians within one run, since absolute figures are the machine's. */
export interface BenchmarkResult {
  readonly kind: 'measured'
  readonly name: string
  /** What it was compared with. */
  readonly baseline: string
  readonly ratio: number
  readonly target: string
  readonly ok: boolean
  readonly figures: Readonly<Record<string, number | string>>
}

export interface SkippedBenchmark {
  readonly kind: 'skipped'
  readonly name: string
  readonly reason: string
}

export type Benchmark = (options: BenchmarkOptions) => Promise<BenchmarkResult | SkippedBenchmark>

/** The middle of `values`; of an even number the mean of the middle two. `NaN` of none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  const [low, high] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]]
  return low === undefined || high === undefined ? Number.NaN : (low + high) / 2
}

/** What `share` percent of `values` do not exceed. `NaN` of none. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.ceil((sorted.length * percent) / 100) - 1] ?? Number.NaN
}

/** `value` with so many digits behind the point. */
export function roundTo(value: number, digits = 2): number {
  return Number(value.toFixed(digits))
}

/** Runs `a` and `b` in turns, the one that goes first changing each time, so that what else the machine does hits both alike. */
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
