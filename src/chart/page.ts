import type { ELK } from 'elkjs/lib/elk-api.js'
import type { Chart, ChartState } from './chart.ts'
import { chartOf, statesOf } from './chart.ts'
import { definitionOf } from './definition.ts'
import type { FoundMachine } from './discover.ts'
import { layOut } from './layout.ts'
import { mermaid } from './mermaid.ts'
import type { EventGroup } from './table.ts'
import { svgOf } from './svg.ts'
import { edgeTable, markdown, tables } from './table.ts'

const generated = 'Generated from the machine by `npm run charts`; a test fails when it is out of date.'

/**
 * The files of `docs/statecharts` for these machines, by name: of each a page, the diagram as SVG and as Mermaid, and the definition as
 * JSON. The same machines always give the same text.
 */
export async function pages(
  machines: readonly FoundMachine[],
  elk: Pick<ELK, 'layout'>,
): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>()
  const charts = machines.map((it) => ({ ...it, chart: chartOf(it.machine) }))
  files.set('README.md', overview(charts))
  for (const { chart, file, groups, machine } of charts) {
    files.set(`${chart.id}.md`, page(chart, file, groups))
    files.set(`${chart.id}.mmd`, `${mermaid(chart)}\n`)
    files.set(`${chart.id}.svg`, svgOf(chart.root.description ?? chart.id, await layOut(chart, elk)))
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
  return `# Statecharts\n\n${generated}\n\n${markdown(['Machine', 'Subject', 'Source'], rows)}\n`
}

function page(chart: Chart, file: string, groups: readonly EventGroup[]): string {
  return `# ${chart.id}

${chart.root.description ?? `What may happen to a ${chart.id}.`} The machine is \`src/machines/${file}\`. ${generated}

![The statechart of ${chart.id}](${chart.id}.svg)

The definition as [JSON](${chart.id}.json) is what [Stately's editor](https://stately.ai/editor) imports. The diagram as Mermaid:

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
