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

const generatedNotice = 'Generated from the machine by `npm run charts`; a test fails when this page is out of date.'

/**
 * The files of `docs/statecharts` by name: for each machine a page, the diagram as SVG and as Mermaid, and the definition as JSON.
 * Deterministic: the same machines always have the same files.
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

${chart.root.description ?? `The lifecycle of a ${chart.id}.`} Source: \`src/machines/${file}\`. ${generatedNotice}

![The statechart of ${chart.id}](${chart.id}.svg)

[Stately's editor](https://stately.ai/editor) imports the definition as [JSON](${chart.id}.json). The diagram in Mermaid:

\`\`\`mermaid
${mermaidDiagram(chart)}
\`\`\`

## States

${markdownTable(['State', 'Description', 'Tags', 'Invokes'], statesOf(chart).map(stateRow))}

## States and events

A row is a state without children, a cell the target of the event. \`–\`: the event is not handled. \`✗\`: the event is forbidden, whatever a
parent state handles. \`internal\`: the actions run, and the state does not change. \`↻\`: the state is exited and re-entered. If a cell has
several targets, the machine takes the first whose guard is true.

${eventTables(chart, groups)}

## Transitions

${edgeTable(chart)}
`
}

function stateRow(state: ChartState): readonly string[] {
  const effects = state.invokes.map((invocation) =>
    invocation.id === invocation.src ? invocation.id : `${invocation.id} (${invocation.src})`,
  )
  return [`\`${state.id}\``, state.description ?? '', state.tags.join(', '), effects.join(', ')]
}
