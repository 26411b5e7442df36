import type { HostInfo } from './harness/host-info.ts'
import type { BenchmarkResult, SkippedBenchmark } from './benchmark.ts'
import { roundTo } from './statistics.ts'

/** Formats results for a terminal: the machine, a table of the benchmarks, the skipped ones, and the figures of each. */
export function formatResults(host: HostInfo, results: readonly (BenchmarkResult | SkippedBenchmark)[]): string {
  const { cores, fsyncMs, memoryGiB, versions } = host
  const measuredResults = results.filter((result) => result.kind === 'measured')
  const rows = [
    ['benchmark', 'baseline', 'ratio', 'target', ''],
    ...measuredResults.map(({ baseline, name, ok, ratio, target }) => [
      name,
      baseline,
      String(roundTo(ratio)),
      target,
      ok ? 'ok' : 'MISSED',
    ]),
  ]
  return [
    `${cores} cores, ${memoryGiB} GiB, fsync ${fsyncMs} ms (median)`,
    Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(', '),
    '',
    ...(measuredResults.length > 0 ? alignColumns(rows) : []),
    ...results.flatMap((result) => (result.kind === 'skipped' ? [`skipped: ${result.name}: ${result.reason}`] : [])),
    ...measuredResults.flatMap(({ figures, name }) => [
      '',
      name,
      ...Object.entries(figures).map(([label, value]) => `  ${label}: ${value}`),
    ]),
  ].join('\n')
}

function alignColumns(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}
