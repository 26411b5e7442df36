import type { Chart, ChartEdge, ChartState } from './chart.ts'
import { leavesOf } from './chart.ts'

/** A kind of events that people tell apart: it gets a table of its own. */
export interface EventGroup {
  readonly title: string
  readonly types: readonly string[]
}

/**
 * States × events as Markdown, one table for each group that the machine knows events of, one for other events and one for the
 * ends of effects. A row is a state without states inside, a cell says where the event leads: `–` is not handled, `✗` refused on
 * purpose, `stays` changes what is remembered and nothing else, `↻` enters the state again.
 */
export function tables(chart: Chart, groups: readonly EventGroup[]): string {
  const types = [...new Set(chart.edges.map((it) => it.type))]
  const events = new Set(chart.edges.filter((it) => it.cause === 'event').map((it) => it.type))
  const grouped = new Set(groups.flatMap((it) => it.types))
  return [
    ...groups.map((it) => ({ title: it.title, types: it.types.filter((type) => events.has(type)) })),
    { title: groups.length > 0 ? 'Other events' : 'Events', types: [...events].filter((it) => !grouped.has(it)) },
    { title: 'Ends of effects and alarms', types: types.filter((it) => !events.has(it)) },
  ]
    .filter((it) => it.types.length > 0)
    .map((it) => `### ${it.title}\n\n${table(chart, it.types)}`)
    .join('\n\n')
}

/** One such table; states that handle none of `types` are left out. */
export function table(chart: Chart, types: readonly string[]): string {
  const heads = types.map((type) => chart.edges.find((it) => it.type === type)?.event ?? type)
  const rows = leavesOf(chart)
    .map((leaf) => ({ leaf, cells: types.map((type) => cell(leaf, answers(chart, leaf, type))) }))
    .filter(({ cells }) => cells.some((it) => it !== '–'))
  return markdown(
    ['', ...heads],
    rows.map(({ leaf, cells }) => [`\`${leaf.id}\``, ...cells]),
  )
}

/** Every edge of the chart, in the order in which the machine asks them. */
export function edgeTable(chart: Chart): string {
  return markdown(
    ['From', 'When', 'If', 'To', 'Remembers'],
    chart.edges.map((it) => [
      it.source === '' ? 'any state' : `\`${it.source}\``,
      it.event,
      it.guard ?? '',
      goal(it),
      it.actions.join(', '),
    ]),
  )
}

/** What a machine that rests in `leaf` does with an event: the innermost state's answers first, until one has no guard. */
export function answers(chart: Chart, leaf: ChartState, type: string): readonly ChartEdge[] {
  if (leaf.kind === 'final' && leaf.path.length === 1) return []
  const found: ChartEdge[] = []
  for (let depth = leaf.path.length; depth >= 0; depth--) {
    const source = leaf.path.slice(0, depth).join('.')
    for (const edge of chart.edges) {
      if (edge.source !== source || edge.type !== type) continue
      found.push(edge)
      if (edge.guard === null) return found
    }
  }
  return found
}

function cell(leaf: ChartState, edges: readonly ChartEdge[]): string {
  if (edges.length === 0) return '–'
  return edges.map((it) => (it.guard === null ? goal(it, leaf) : `${goal(it, leaf)} if ${it.guard}`)).join('<br>')
}

function goal(edge: ChartEdge, leaf?: ChartState): string {
  if (edge.forbidden) return '✗'
  if (edge.target === null) return 'stays'
  return edge.target === (leaf?.id ?? edge.source) || edge.target === edge.source
    ? `↻ \`${edge.target}\``
    : `\`${edge.target}\``
}

/** A Markdown table. Cells may hold any text. */
export function markdown(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((it) => it.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(heads), line(heads.map(() => '---')), ...rows.map(line)].join('\n')
}
