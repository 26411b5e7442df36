import type { Chart, ChartEdge, ChartState } from './chart.ts'

// What of a chart is drawn, whatever it is drawn with.

/** One arrow: all that leads from one state to another, a line each. */
export interface Arrow {
  /** `''`: from any state. */
  readonly source: string
  readonly target: string
  readonly labels: readonly string[]
  /** All of it is trouble. */
  readonly failure: boolean
}

/** An edge's event, with its guard; `else` where it is what is left of several. */
export function edgeLabel(chart: Chart, { source, type, event, guard }: ChartEdge): string {
  if (guard !== null) return `${event} [${guard}]`
  const hasGuardedSibling = chart.edges.some(
    (edge) => edge.source === source && edge.type === type && edge.guard !== null,
  )
  return hasGuardedSibling ? `${event} [else]` : event
}

/** What a state is doing, and what happens in it without an arrow: `effects` are under way, `notes` in words. */
export function annotationsOf(
  chart: Chart,
  state: ChartState,
): { effects: readonly string[]; notes: readonly string[] } {
  const ownEdges = chart.edges.filter((edge) => edge.source === state.id)
  const forbiddenEvents = ownEdges.filter((edge) => edge.forbidden).map((edge) => edge.event)
  return {
    effects: state.invokes.map((invocation) =>
      invocation.id === invocation.src ? `runs ${invocation.id}` : `runs ${invocation.id} (${invocation.src})`,
    ),
    notes: [
      ...ownEdges
        .filter((edge) => edge.target === null && !edge.forbidden)
        .map((edge) => `${edgeLabel(chart, edge)}: stays`),
      ...ownEdges.filter((edge) => isReentry(state, edge)).map((edge) => `${edgeLabel(chart, edge)}: is entered again`),
      ...(forbiddenEvents.length > 0 ? [`refuses ${forbiddenEvents.join(', ')}`] : []),
    ],
  }
}

/**
 * One arrow for each two states. A state with states inside that is entered again has none: {@link annotationsOf} says so. What leads from
 * several states in one to the same place outside of it is drawn once, from that one: its labels name what has ended.
 */
export function arrowsOf(chart: Chart, compositeIds: ReadonlySet<string>): readonly Arrow[] {
  const edges = chart.edges.filter(
    ({ source, target }) => target !== null && !(target === source && compositeIds.has(source)),
  )
  const arrows = new Map<string, { source: string; target: string; labels: string[]; failure: boolean }>()
  for (const edge of edges) {
    const target = edge.target ?? ''
    const source = mergedSource(edge, edges)
    const arrow = arrows.get(`${source} ${target}`) ?? { source, target, labels: [], failure: true }
    arrow.labels.push(edgeLabel(chart, edge))
    arrow.failure &&= edge.failure
    arrows.set(`${source} ${target}`, arrow)
  }
  return [...arrows.values()]
}

/** How many states in one have to lead to the same place for that to be drawn once. */
const mergeThreshold = 3

function mergedSource({ source, target, failure }: ChartEdge, edges: readonly ChartEdge[]): string {
  const parent = source.split('.').slice(0, -1).join('.')
  if (parent === '' || target === null || target === parent || target.startsWith(`${parent}.`)) return source
  const siblings = edges.filter(
    (edge) =>
      edge.target === target && edge.failure === failure && edge.source.split('.').slice(0, -1).join('.') === parent,
  )
  return new Set(siblings.map((edge) => edge.source)).size >= mergeThreshold ? parent : source
}

function isReentry(state: ChartState, edge: ChartEdge): boolean {
  return edge.target === state.id && state.states.length > 0
}
