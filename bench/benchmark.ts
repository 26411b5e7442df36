/** Options of every benchmark. */
export interface BenchmarkOptions {
  /** Runs fewer rounds on fewer rows, to check that a benchmark works. Its figures mean nothing. */
  readonly quick: boolean
  /** A temporary folder on the disk for the databases. It is removed after the run. */
  readonly folder: string
}

/** The result of a benchmark. Ratios compare medians within one run, since absolute figures depend on the machine. */
export interface BenchmarkResult {
  readonly kind: 'measured'
  readonly name: string
  /** What `name` is compared with. */
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
