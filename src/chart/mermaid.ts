import type { Chart, ChartState } from './chart.ts'
import { compoundIdsOf, statesOf } from './chart.ts'
import { arrowsOf, annotationsOf } from './arrows.ts'

const anyStateId = 'any_state'

/**
 * The chart as a Mermaid `stateDiagram-v2`. Transitions of the root are drawn once, from "any state". Internal transitions are text inside
 * their state, or a note if the state has children: a loop would mean re-entry, and code hosts fail to draw loops around composite states.
 */
export function mermaidDiagram(chart: Chart): string {
  const states = statesOf(chart)
  const failed = states.filter((state) => state.name === 'failed' && state.states.length === 0)
  return [
    'stateDiagram-v2',
    ...childLines(chart, chart.root, 1),
    ...(chart.edges.some((edge) => edge.source === '')
      ? leafLines(anyStateId, 'any state', annotationLines(chart, chart.root), 1)
      : []),
    ...states.filter((state) => state.states.length > 0).flatMap((state) => noteLines(chart, state)),
    ...arrowLines(chart),
    ...(failed.length > 0 ? ['  classDef failure stroke:#c0392b,stroke-width:2px'] : []),
    ...failed.map((state) => `  class ${mermaidId(state.id)} failure`),
  ].join('\n')
}

function childLines(chart: Chart, state: ChartState, depth: number): readonly string[] {
  const indent = '  '.repeat(depth)
  const blocks = state.states.map((child) =>
    child.states.length > 0
      ? [
          `${indent}state "${escapeMermaid(child.name)}" as ${mermaidId(child.id)} {`,
          ...childLines(chart, child, depth + 1),
          `${indent}}`,
        ]
      : leafLines(mermaidId(child.id), child.name, annotationLines(chart, child), depth),
  )
  if (state.kind === 'parallel') return blocks.flatMap((block, n) => (n === 0 ? block : [`${indent}--`, ...block]))
  const first = state.initial === null ? [] : [`${indent}[*] --> ${mermaidId(state.initial)}`]
  const last = state.states
    .filter((child) => child.kind === 'final')
    .map((child) => `${indent}${mermaidId(child.id)} --> [*]`)
  return [...first, ...blocks.flat(), ...last]
}

function leafLines(id: string, name: string, lines: readonly string[], depth: number): readonly string[] {
  const indent = '  '.repeat(depth)
  return [
    `${indent}state "${escapeMermaid(name)}" as ${id}`,
    ...lines.map((line) => `${indent}${id} : ${escapeMermaid(line)}`),
  ]
}

function noteLines(chart: Chart, state: ChartState): readonly string[] {
  const lines = annotationLines(chart, state)
  if (lines.length === 0) return []
  return [`  note right of ${mermaidId(state.id)}`, ...lines.map((line) => `    ${escapeMermaid(line)}`), '  end note']
}

function annotationLines(chart: Chart, state: ChartState): readonly string[] {
  const { effects, notes } = annotationsOf(chart, state)
  return [...effects, ...notes]
}

function arrowLines(chart: Chart): readonly string[] {
  return arrowsOf(chart, compoundIdsOf(chart)).map(
    ({ source, target, labels }) =>
      `  ${source === '' ? anyStateId : mermaidId(source)} --> ${mermaidId(target)} : ${labels.map(escapeMermaid).join('<br/>')}`,
  )
}

/** A state's unique identifier in Mermaid, which is none of its keywords. */
function mermaidId(id: string): string {
  const plain = id
    .replaceAll(/[^A-Za-z0-9.]/g, (character) => `_${character.codePointAt(0)?.toString(16)}_`)
    .replaceAll('.', '_')
  return /^(state|note|end|class|classDef|style|default|direction|as|scale|any_state)$/i.test(plain)
    ? `${plain}_`
    : plain
}

/** Text for Mermaid: characters that its grammar could interpret become entities. */
function escapeMermaid(text: string): string {
  return text.replaceAll(/[^\p{L}\p{N} _.,()[\]/-]/gu, (character) => `#${character.codePointAt(0)};`)
}
