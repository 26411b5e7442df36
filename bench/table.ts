import type { Machine } from './machine.ts'
import type { Measured, Skipped } from './measure.ts'
import { rounded } from './measure.ts'

/** What was found, for a person: the machine, a line for each measure with its figures below, and what was skipped. */
export function table(machine: Machine, found: readonly (Measured | Skipped)[]): string {
  const { cores, fsyncMs, memoryGiB, versions } = machine
  const measured = found.filter((each) => each.kind === 'measured')
  const rows = [
    ['measure', 'against', 'ratio', 'to reach', ''],
    ...measured.map(({ against, name, ok, ratio, target }) => [
      name,
      against,
      String(rounded(ratio)),
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
    ...(measured.length > 0 ? aligned(rows) : []),
    ...found.flatMap((each) => (each.kind === 'skipped' ? [`skipped: ${each.name}: ${each.why}`] : [])),
    ...measured.flatMap(({ figures, name }) => [
      '',
      name,
      ...Object.entries(figures).map(([what, value]) => `  ${what}: ${value}`),
    ]),
  ].join('\n')
}

function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}
