import type { ELK, ElkExtendedEdge, ElkNode } from 'elkjs/lib/elk-api.js'
import type { Chart, ChartState } from './chart.ts'
import { compoundIdsOf, statesOf } from './chart.ts'
import { type Arrow, arrowsOf, annotationsOf } from './arrows.ts'

/** A rectangle in pixels; the origin is the drawing's upper left corner. */
export interface Box {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

export interface Point {
  readonly x: number
  readonly y: number
}

export interface PlacedState extends Box {
  readonly state: ChartState
  readonly effects: readonly string[]
  readonly notes: readonly string[]
}

export interface PlacedArrow {
  readonly arrow: Arrow
  /** From the border of the source to the border of the target. */
  readonly points: readonly Point[]
  readonly label: Box
}

/** A chart with the position of each of its elements. */
export interface ChartLayout {
  readonly width: number
  readonly height: number
  /** Parents before children. */
  readonly states: readonly PlacedState[]
  readonly arrows: readonly PlacedArrow[]
  /** For each compound state, and for the machine: a dot with an arrow to the initial state. */
  readonly initialMarkers: readonly { readonly dot: Point; readonly points: readonly Point[] }[]
  /** `null` if no edge applies in any state. */
  readonly anyState: Box | null
}

export const dotRadius = 5
export const headerHeight = 26
export const lineHeight = 14
const characterWidths = { name: 7.6, note: 6, label: 6 }
const anyStateId = '·any-state'

const elkOptions = {
  'elk.algorithm': 'layered',
  'elk.direction': 'DOWN',
  'elk.hierarchyHandling': 'INCLUDE_CHILDREN',
  'elk.edgeRouting': 'ORTHOGONAL',
  'elk.json.shapeCoords': 'ROOT',
  'elk.json.edgeCoords': 'ROOT',
  'elk.layered.nodePlacement.strategy': 'NETWORK_SIMPLEX',
  'elk.layered.considerModelOrder.strategy': 'NODES_AND_EDGES',
  'elk.spacing.nodeNode': '28',
  'elk.spacing.edgeNode': '18',
  'elk.spacing.edgeEdge': '14',
  'elk.spacing.edgeLabel': '3',
  'elk.spacing.labelLabel': '6',
  'elk.layered.spacing.nodeNodeBetweenLayers': '34',
  'elk.layered.spacing.edgeNodeBetweenLayers': '18',
  'elk.layered.spacing.edgeEdgeBetweenLayers': '14',
  'elk.padding': '[top=16,left=16,bottom=16,right=16]',
}

/** Lays out a chart with `elk`. Deterministic: the same chart always has the same layout. */
export async function layOutChart(chart: Chart, elk: Pick<ELK, 'layout'>): Promise<ChartLayout> {
  const states = statesOf(chart)
  const arrows = arrowsOf(chart, compoundIdsOf(chart))
  const initialStates = [chart.root, ...states].filter((state) => state.initial !== null)
  const graph: ElkNode = await elk.layout({
    id: '·root',
    layoutOptions: elkOptions,
    children: [
      ...childNodesOf(chart, chart.root),
      ...(arrows.some(({ source }) => source === '') ? [{ id: anyStateId, width: 78, height: 28 }] : []),
    ],
    edges: [
      ...arrows.map((arrow, index) => edgeOf(arrow, index)),
      ...initialStates.map(({ id, initial }) => ({
        id: `·initial-edge ${id}`,
        sources: [`·initial ${id}`],
        targets: [initial ?? ''],
      })),
    ],
  })
  const nodes = new Map<string, ElkNode>()
  const edges = new Map<string, ElkExtendedEdge>()
  collect(graph, nodes, edges)
  const anyStateNode = nodes.get(anyStateId)
  return {
    width: Math.ceil(graph.width ?? 0),
    height: Math.ceil(graph.height ?? 0),
    states: states.map((state) => ({ state, ...annotationsOf(chart, state), ...boxOf(nodes.get(state.id)) })),
    arrows: arrows.map((arrow, index) => {
      const edge = edges.get(`·${index}`)
      return { arrow, points: pointsOf(edge), label: boxOf(edge?.labels?.[0]) }
    }),
    initialMarkers: initialStates.map(({ id }) => {
      const { x, y } = boxOf(nodes.get(`·initial ${id}`))
      return { dot: { x: x + dotRadius, y: y + dotRadius }, points: pointsOf(edges.get(`·initial-edge ${id}`)) }
    }),
    anyState: anyStateNode ? boxOf(anyStateNode) : null,
  }
}

function childNodesOf(chart: Chart, state: ChartState): ElkNode[] {
  const dot = { id: `·initial ${state.id}`, width: 2 * dotRadius, height: 2 * dotRadius }
  return [...(state.initial === null ? [] : [dot]), ...state.states.map((child) => nodeOf(chart, child))]
}

function nodeOf(chart: Chart, state: ChartState): ElkNode {
  const { effects, notes } = annotationsOf(chart, state)
  const lines = [...effects, ...notes]
  const { height, ...textSize } = stateTextSize(state.name, lines)
  const width = Math.ceil(textSize.width + 26)
  if (state.states.length === 0) return { id: state.id, width: Math.max(width, 74), height }
  return {
    id: state.id,
    layoutOptions: {
      'elk.padding': `[top=${height + 10},left=14,bottom=14,right=14]`,
      'elk.nodeSize.constraints': 'MINIMUM_SIZE',
      'elk.nodeSize.minimum': `(${width}, ${height})`,
    },
    children: childNodesOf(chart, state),
  }
}

/** The size of a state's text. */
export function stateTextSize(
  name: string,
  lines: readonly string[],
): { readonly width: number; readonly height: number } {
  return {
    width: Math.max(name.length * characterWidths.name, ...lines.map((line) => line.length * characterWidths.note)),
    height: headerHeight + lines.length * lineHeight + (lines.length > 0 ? 6 : 4),
  }
}

function edgeOf(arrow: Arrow, index: number): ElkExtendedEdge {
  const width = Math.ceil(Math.max(...arrow.labels.map((label) => label.length)) * characterWidths.label + 8)
  return {
    id: `·${index}`,
    sources: [arrow.source === '' ? anyStateId : arrow.source],
    targets: [arrow.target],
    labels: [{ text: arrow.labels.join('\n'), width, height: arrow.labels.length * lineHeight + 2 }],
  }
}

function collect(node: ElkNode, nodes: Map<string, ElkNode>, edges: Map<string, ElkExtendedEdge>): void {
  nodes.set(node.id, node)
  for (const edge of node.edges ?? []) edges.set(edge.id, edge)
  for (const child of node.children ?? []) collect(child, nodes, edges)
}

function boxOf(bounds: Partial<Box> | undefined): Box {
  const round = (value = 0) => Math.round(value * 10) / 10
  return { x: round(bounds?.x), y: round(bounds?.y), width: round(bounds?.width), height: round(bounds?.height) }
}

function pointsOf(edge: ElkExtendedEdge | undefined): readonly Point[] {
  const [section] = edge?.sections ?? []
  if (!section) return []
  return [section.startPoint, ...(section.bendPoints ?? []), section.endPoint].map(({ x, y }) => ({
    x: Math.round(x * 10) / 10,
    y: Math.round(y * 10) / 10,
  }))
}
