import type { ELK } from 'elkjs/lib/elk-api.js'
import type { Chart, ChartState } from './chart.ts'
import { chartOf, statesOf } from './chart.ts'
import { definitionOf } from './definition.ts'
import type { DiscoveredMachine } from './machine-discovery.ts'
import { layOutChart } from './layout.ts'
import { mermaidDiagram } from './mermaid.ts'
import type { EventGroup } from './event-tables.ts'
import { chartSvg } from './svg.ts'
import { edgeTable, markdownTable, eventTables } from './event-tables.ts'

const generatedNotice = 'Generated from the machine by `npm run charts`; a test fails when it is out of date.'

/**
 * The files of `docs/statecharts` for these machines, by name: of each a page, the diagram as SVG and as Mermaid, and the definition as
 * JSON. The same machines always give the same text.
 */
export async function statechartPages(
  machines: readonly DiscoveredMachine[],
  elk: Pick<ELK, 'layout'>,
): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>()
  const charts = machines.map((discovered) => ({ ...discovered, chart: chartOf(discovered.machine) }))
  files.set('README.md', overview(charts))
  for (const { chart, file, groups, machine } of charts) {
    files.set(`${chart.id}.md`, page(chart, file, groups))
    files.set(`${chart.id}.mmd`, `${mermaidDiagram(chart)}\n`)
    files.set(`${chart.id}.svg`, chartSvg(chart.root.description ?? chart.id, await layOutChart(chart, elk)))
    files.set(`${chart.id}.json`, `${JSON.stringify(definitionOf(machine), null, 2)}\n`)
  }
  return files
}

function overview(charts: readonly { readonly chart: Chart; readonly file: string }[]): string {
  const rows = charts.map(({ chart, file }) => [
    `[${chart.id}](${chart.id}.md)`,
    chart.root.description ?? '',
    `\`src/machines/${file}\``,
  ])
  return `# Statecharts\n\n${generatedNotice}\n\n${markdownTable(['Machine', 'Subject', 'Source'], rows)}\n`
}

function page(chart: Chart, file: string, groups: readonly EventGroup[]): string {
  return `# ${chart.id}

${chart.root.description ?? `What may happen to a ${chart.id}.`} The machine is \`src/machines/${file}\`. ${generatedNotice}

![The statechart of ${chart.id}](${chart.id}.svg)

The definition as [JSON](${chart.id}.json) is what [Stately's editor](https://stately.ai/editor) imports. The diagram as Mermaid:

\`\`\`mermaid
${mermaidDiagram(chart)}
\`\`\`

## States

${markdownTable(['State', 'Meaning', 'Tags', 'Under way'], statesOf(chart).map(stateRow))}

## Which event leads where

A row is a state that the machine can be in. \`–\`: not handled. \`✗\`: refused, whatever an outer state would answer. \`stays\`:
only what is remembered changes. \`↻\`: the state is left and entered again. Of several answers the first whose guard holds is taken.

${eventTables(chart, groups)}

## Every transition

${edgeTable(chart)}
`
}

function stateRow(state: ChartState): readonly string[] {
  const effects = state.invokes.map((invocation) =>
    invocation.id === invocation.src ? invocation.id : `${invocation.id} (${invocation.src})`,
  )
  return [`\`${state.id}\``, state.description ?? '', state.tags.join(', '), effects.join(', ')]
}
