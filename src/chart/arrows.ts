import type { Chart, ChartEdge, ChartState } from './chart.ts'

// What a diagram shows of a chart, whatever draws the diagram.

/** An arrow stands for every edge from one state to another, with one label per edge. */
export interface Arrow {
  /** `''` means any state. */
  readonly source: string
  readonly target: string
  readonly labels: readonly string[]
  /** Every edge of the arrow leads to a failure. */
  readonly failure: boolean
}

/** An edge's event and its guard, or `[else]` if the edge is the unguarded alternative to guarded ones. */
export function edgeLabel(chart: Chart, { source, type, event, guard }: ChartEdge): string {
  if (guard !== null) return `${event} [${guard}]`
  const hasGuardedSibling = chart.edges.some(
    (edge) => edge.source === source && edge.type === type && edge.guard !== null,
  )
  return hasGuardedSibling ? `${event} [else]` : event
}

/** The text inside a state: the `effects` it invokes, and `notes` on the events that no arrow shows. */
export function annotationsOf(
  chart: Chart,
  state: ChartState,
): { effects: readonly string[]; notes: readonly string[] } {
  const ownEdges = chart.edges.filter((edge) => edge.source === state.id)
  const forbiddenEvents = ownEdges.filter((edge) => edge.forbidden).map((edge) => edge.event)
  return {
    effects: state.invokes.map((invocation) =>
      invocation.id === invocation.src ? `invokes ${invocation.id}` : `invokes ${invocation.id} (${invocation.src})`,
    ),
    notes: [
      ...ownEdges
        .filter((edge) => edge.target === null && !edge.forbidden)
        .map((edge) => `${edgeLabel(chart, edge)}: internal`),
      ...ownEdges.filter((edge) => isReentry(state, edge)).map((edge) => `${edgeLabel(chart, edge)}: re-enters`),
      ...(forbiddenEvents.length > 0 ? [`forbids ${forbiddenEvents.join(', ')}`] : []),
    ],
  }
}

/**
 * Merges edges into one arrow per pair of states. The re-entry of a compound state has no arrow: {@link annotationsOf} names it. Edges from
 * several children of one state to the same target outside of it become one arrow from their parent; the labels name the completed invocations.
 */
export function arrowsOf(chart: Chart, compoundIds: ReadonlySet<string>): readonly Arrow[] {
  const edges = chart.edges.filter(
    ({ source, target }) => target !== null && !(target === source && compoundIds.has(source)),
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

/** How many siblings must share a target before their edges merge into one arrow from the parent. */
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
