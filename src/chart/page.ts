import type { Chart, ChartState } from './chart.ts'
import { chartOf, statesOf } from './chart.ts'
import type { FoundMachine } from './discover.ts'
import { mermaid } from './mermaid.ts'
import type { EventGroup } from './table.ts'
import { edgeTable, markdown, tables } from './table.ts'

const generated = 'Generated from the machine by `npm run charts`; a test fails when it is out of date.'

/** The pages of `docs/statecharts` for these machines, by file name. The same machines always give the same text. */
export function pages(machines: readonly FoundMachine[]): ReadonlyMap<string, string> {
  const charts = machines.map((it) => ({ ...it, chart: chartOf(it.machine) }))
  return new Map([
    ['README.md', overview(charts)],
    ...charts.map(({ chart, file, groups }) => [`${chart.id}.md`, page(chart, file, groups)] as const),
  ])
}

function overview(charts: readonly { readonly chart: Chart; readonly file: string }[]): string {
  const rows = charts.map(({ chart, file }) => [
    `[${chart.id}](${chart.id}.md)`,
    chart.root.description ?? '',
    `\`src/machines/${file}\``,
  ])
  return `# Statecharts\n\n${generated}\n\n${markdown(['Machine', 'Subject', 'Source'], rows)}\n`
}

function page(chart: Chart, file: string, groups: readonly EventGroup[]): string {
  return `# ${chart.id}

${chart.root.description ?? `What may happen to a ${chart.id}.`} The machine is \`src/machines/${file}\`. ${generated}

\`\`\`mermaid
${mermaid(chart)}
\`\`\`

## States

${markdown(['State', 'Meaning', 'Tags', 'Under way'], statesOf(chart).map(row))}

## Which event leads where

A row is a state that the machine can be in. \`–\`: not handled. \`✗\`: refused, whatever an outer state would answer. \`stays\`:
only what is remembered changes. \`↻\`: the state is left and entered again. Of several answers the first whose guard holds is taken.

${tables(chart, groups)}

## Every transition

${edgeTable(chart)}
`
}

function row(state: ChartState): readonly string[] {
  const effects = state.invokes.map((it) => (it.id === it.src ? it.id : `${it.id} (${it.src})`))
  return [`\`${state.id}\``, state.description ?? '', state.tags.join(', '), effects.join(', ')]
}
