/** What a measure may use, and how thorough it is to be. */
export interface Run {
  /** Fewer rounds on fewer rows: to see that a measure works, not what it says. */
  readonly quick: boolean
  /** A folder of the run's own, on the disk that databases are measured on. Removed at the end. */
  readonly folder: string
}

/** What a measure found. Ratios are of medians within one run, since absolute figures are the machine's. */
export interface Measured {
  readonly kind: 'measured'
  readonly name: string
  /** What it was compared with. */
  readonly against: string
  readonly ratio: number
  readonly target: string
  readonly ok: boolean
  readonly figures: Readonly<Record<string, number | string>>
}

export interface Skipped {
  readonly kind: 'skipped'
  readonly name: string
  readonly why: string
}

export type Measure = (run: Run) => Promise<Measured | Skipped>

/** The middle of `values`; of an even number the mean of the middle two. `NaN` of none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  const [low, high] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]]
  return low === undefined || high === undefined ? Number.NaN : (low + high) / 2
}

/** What `share` percent of `values` do not exceed. `NaN` of none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.ceil((sorted.length * share) / 100) - 1] ?? Number.NaN
}

/** `value` with so many digits behind the point. */
export function rounded(value: number, digits = 2): number {
  return Number(value.toFixed(digits))
}

/** Runs `a` and `b` in turns, the one that goes first changing each time, so that what else the machine does hits both alike. */
export async function pairs<A, B>(
  rounds: number,
  a: () => Promise<A>,
  b: () => Promise<B>,
): Promise<{ a: A[]; b: B[] }> {
  const found: { a: A[]; b: B[] } = { a: [], b: [] }
  for (let round = 0; round < rounds; round += 1) {
    if (round % 2 === 0) found.a.push(await a())
    found.b.push(await b())
    if (round % 2 === 1) found.a.push(await a())
  }
  return found
}
