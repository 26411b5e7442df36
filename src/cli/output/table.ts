export interface TableColumn {
  readonly title: string
  /** Truncated first when the terminal is narrow. */
  readonly shrinks?: boolean
}

const gap = '  '
const minColumnWidth = 8

/**
 * Formats rows as an aligned table of at most `width` columns. `width` of `null` is for programs: fields separated by tabs, without titles,
 * nothing truncated. `paint` colours a field; row -1 has the titles.
 */
export function formatTable(
  columns: readonly TableColumn[],
  rows: readonly (readonly string[])[],
  width: number | null,
  paint: (field: string, column: number, row: number) => string = (field) => field,
): string[] {
  if (width === null) return rows.map((row) => row.map((field) => field.replaceAll(/[\t\r\n]+/g, ' ')).join('\t'))
  const visibleColumns = columns.map((_, column) => rows.some((row) => (row[column] ?? '') !== ''))
  const lines = [columns.map(({ title }) => title), ...rows.map((row) => row.map(collapseWhitespace))]
  const widths = columns.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)))
  const total = () =>
    widths.reduce(
      (sum, columnWidth, column) => (visibleColumns[column] ? sum + columnWidth + gap.length : sum),
      -gap.length,
    )
  for (const [column, { shrinks }] of columns.entries())
    if (shrinks === true && visibleColumns[column] && total() > width)
      widths[column] = Math.max(minColumnWidth, (widths[column] ?? 0) - (total() - width))
  return lines.map((line, row) => {
    const fields = line.map((field, column) => {
      const truncated = truncateText(field, widths[column] ?? 0)
      const padding = ' '.repeat((widths[column] ?? 0) - truncated.length)
      return { text: paint(truncated, column, row - 1) + padding, isVisible: visibleColumns[column] === true }
    })
    return fields
      .filter((field) => field.isVisible)
      .map(({ text }) => text)
      .join(gap)
      .trimEnd()
  })
}

const collapseWhitespace = (text: string) => text.replaceAll(/\s+/g, ' ')

export function truncateText(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, Math.max(0, length - 1))}…`
}
