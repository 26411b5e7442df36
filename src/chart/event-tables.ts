import type { Chart, ChartEdge, ChartState } from './chart.ts'
import { leavesOf } from './chart.ts'

/** Events that share a table. */
export interface EventGroup {
  readonly title: string
  readonly types: readonly string[]
}

/**
 * States × events as Markdown: a table for each group that has events of the machine, one for other events, and one for completed
 * invocations and timers. A row is a state without children. A cell is the event's target: `–` is not handled, `✗` forbidden, `internal`
 * runs the actions without a change of state, `↻` re-enters the state.
 */
export function eventTables(chart: Chart, groups: readonly EventGroup[]): string {
  const types = [...new Set(chart.edges.map((edge) => edge.type))]
  const eventTypes = new Set(chart.edges.filter((edge) => edge.cause === 'event').map((edge) => edge.type))
  const grouped = new Set(groups.flatMap((group) => group.types))
  return [
    ...groups.map((group) => ({ title: group.title, types: group.types.filter((type) => eventTypes.has(type)) })),
    {
      title: groups.length > 0 ? 'Other events' : 'Events',
      types: [...eventTypes].filter((type) => !grouped.has(type)),
    },
    { title: 'Completed invocations and timers', types: types.filter((type) => !eventTypes.has(type)) },
  ]
    .filter((group) => group.types.length > 0)
    .map((group) => `### ${group.title}\n\n${eventTable(chart, group.types)}`)
    .join('\n\n')
}

/** One such table, without the states that handle none of `types`. */
export function eventTable(chart: Chart, types: readonly string[]): string {
  const headers = types.map((type) => chart.edges.find((edge) => edge.type === type)?.event ?? type)
  const rows = leavesOf(chart)
    .map((leaf) => ({ leaf, cells: types.map((type) => cell(leaf, transitionsIn(chart, leaf, type))) }))
    .filter(({ cells }) => cells.some((text) => text !== '–'))
  return markdownTable(
    ['', ...headers],
    rows.map(({ leaf, cells }) => [`\`${leaf.id}\``, ...cells]),
  )
}

/** Every edge of the chart, in the order in which the machine checks them. */
export function edgeTable(chart: Chart): string {
  return markdownTable(
    ['From', 'Event', 'Guard', 'To', 'Actions'],
    chart.edges.map((edge) => [
      edge.source === '' ? 'any state' : `\`${edge.source}\``,
      edge.event,
      edge.guard ?? '',
      targetText(edge),
      edge.actions.join(', '),
    ]),
  )
}

/** The transitions that a machine in `leaf` checks for an event: innermost state first, up to the first one without a guard. */
export function transitionsIn(chart: Chart, leaf: ChartState, type: string): readonly ChartEdge[] {
  if (leaf.kind === 'final' && leaf.path.length === 1) return []
  const edges: ChartEdge[] = []
  for (let depth = leaf.path.length; depth >= 0; depth--) {
    const source = leaf.path.slice(0, depth).join('.')
    for (const edge of chart.edges) {
      if (edge.source !== source || edge.type !== type) continue
      edges.push(edge)
      if (edge.guard === null) return edges
    }
  }
  return edges
}

function cell(leaf: ChartState, edges: readonly ChartEdge[]): string {
  if (edges.length === 0) return '–'
  return edges
    .map((edge) => (edge.guard === null ? targetText(edge, leaf) : `${targetText(edge, leaf)} if ${edge.guard}`))
    .join('<br>')
}

function targetText(edge: ChartEdge, leaf?: ChartState): string {
  if (edge.forbidden) return '✗'
  if (edge.target === null) return 'internal'
  return edge.target === (leaf?.id ?? edge.source) || edge.target === edge.source
    ? `↻ \`${edge.target}\``
    : `\`${edge.target}\``
}

/** A Markdown table. Pipes in cells are escaped. */
export function markdownTable(headers: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((text) => text.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(headers), line(headers.map(() => '---')), ...rows.map(line)].join('\n')
}
