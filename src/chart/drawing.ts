import type { Chart, ChartEdge, ChartState } from './chart.ts'

// What of a chart is drawn, whatever it is drawn with.

/** One arrow: all that leads from one state to another, a line each. */
export interface Arrow {
  /** `''`: from any state. */
  readonly source: string
  readonly target: string
  readonly labels: readonly string[]
  /** All of it is trouble. */
  readonly trouble: boolean
}

/** An edge's event, with its guard; `else` where it is what is left of several. */
export function edgeLabel(chart: Chart, { source, type, event, guard }: ChartEdge): string {
  if (guard !== null) return `${event} [${guard}]`
  const others = chart.edges.some((it) => it.source === source && it.type === type && it.guard !== null)
  return others ? `${event} [else]` : event
}

/** What a state is doing, and what happens in it without an arrow: `effects` are under way, `notes` in words. */
export function remarksOf(chart: Chart, state: ChartState): { effects: readonly string[]; notes: readonly string[] } {
  const own = chart.edges.filter((it) => it.source === state.id)
  const refused = own.filter((it) => it.forbidden).map((it) => it.event)
  return {
    effects: state.invokes.map((it) => (it.id === it.src ? `runs ${it.id}` : `runs ${it.id} (${it.src})`)),
    notes: [
      ...own.filter((it) => it.target === null && !it.forbidden).map((it) => `${edgeLabel(chart, it)}: stays`),
      ...own.filter((it) => circles(state, it)).map((it) => `${edgeLabel(chart, it)}: is entered again`),
      ...(refused.length > 0 ? [`refuses ${refused.join(', ')}`] : []),
    ],
  }
}

/**
 * One arrow for each two states. A state with states inside that is entered again has none: {@link remarksOf} says so. What leads from
 * several states in one to the same place outside of it is drawn once, from that one: its labels name what has ended.
 */
export function arrowsOf(chart: Chart, composite: ReadonlySet<string>): readonly Arrow[] {
  const edges = chart.edges.filter(
    ({ source, target }) => target !== null && !(target === source && composite.has(source)),
  )
  const drawn = new Map<string, { source: string; target: string; labels: string[]; trouble: boolean }>()
  for (const edge of edges) {
    const target = edge.target ?? ''
    const source = liftedSource(edge, edges)
    const known = drawn.get(`${source} ${target}`) ?? { source, target, labels: [], trouble: true }
    known.labels.push(edgeLabel(chart, edge))
    known.trouble &&= edge.trouble
    drawn.set(`${source} ${target}`, known)
  }
  return [...drawn.values()]
}

/** How many states in one have to lead to the same place for that to be drawn once. */
const crowd = 3

function liftedSource({ source, target, trouble }: ChartEdge, edges: readonly ChartEdge[]): string {
  const outer = source.split('.').slice(0, -1).join('.')
  if (outer === '' || target === null || target === outer || target.startsWith(`${outer}.`)) return source
  const siblings = edges.filter(
    (it) => it.target === target && it.trouble === trouble && it.source.split('.').slice(0, -1).join('.') === outer,
  )
  return new Set(siblings.map((it) => it.source)).size >= crowd ? outer : source
}

function circles(state: ChartState, edge: ChartEdge): boolean {
  return edge.target === state.id && state.states.length > 0
}
