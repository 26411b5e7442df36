export interface Column {
  readonly title: string
  /** The first to be cut if the terminal is narrow. */
  readonly gives?: boolean
}

const gap = '  '
const narrowest = 8

/**
 * Rows as text: aligned and cut to `width`, or, if that is `null`, for programs: tabs between the fields, no titles and nothing cut.
 * `paint` colours a field, which may not change its length.
 */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width: number | null,
  paint: (field: string, column: number, row: number) => string = (field) => field,
): string[] {
  if (width === null) return rows.map((row) => row.map((field) => field.replaceAll(/[\t\r\n]+/g, ' ')).join('\t'))
  const shown = columns.map((_, column) => rows.some((row) => (row[column] ?? '') !== ''))
  const lines = [columns.map(({ title }) => title), ...rows.map((row) => row.map(oneLine))]
  const widths = columns.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)))
  const total = () => widths.reduce((sum, each, column) => (shown[column] ? sum + each + gap.length : sum), -gap.length)
  for (const [column, { gives }] of columns.entries())
    if (gives === true && shown[column] && total() > width)
      widths[column] = Math.max(narrowest, (widths[column] ?? 0) - (total() - width))
  return lines.map((line, row) => {
    const fields = line.map((field, column) => {
      const cut = cutTo(field, widths[column] ?? 0)
      const padding = ' '.repeat((widths[column] ?? 0) - cut.length)
      return { text: paint(cut, column, row - 1) + padding, shown: shown[column] === true }
    })
    return fields
      .filter((field) => field.shown)
      .map(({ text }) => text)
      .join(gap)
      .trimEnd()
  })
}

const oneLine = (text: string) => text.replaceAll(/\s+/g, ' ')

export function cutTo(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, Math.max(0, length - 1))}…`
}
