import type { Chart, ChartState } from './chart.ts'
import { statesOf } from './chart.ts'
import { arrowsOf, remarksOf } from './drawing.ts'

const anywhere = 'any_state'

/**
 * The chart as a Mermaid `stateDiagram-v2`. What the root answers is drawn once, from "any state". What leaves a state as it is
 * stands inside it (in a note, if it has states inside): a loop would say that it is entered again, and code hosts stumble over
 * loops around composite states.
 */
export function mermaid(chart: Chart): string {
  const states = statesOf(chart)
  const failed = states.filter((it) => it.name === 'failed' && it.states.length === 0)
  return [
    'stateDiagram-v2',
    ...inside(chart, chart.root, 1),
    ...(chart.edges.some((it) => it.source === '') ? atom(anywhere, 'any state', remarks(chart, chart.root), 1) : []),
    ...states.filter((it) => it.states.length > 0).flatMap((it) => note(chart, it)),
    ...arrows(chart),
    ...(failed.length > 0 ? ['  classDef trouble stroke:#c0392b,stroke-width:2px'] : []),
    ...failed.map((it) => `  class ${key(it.id)} trouble`),
  ].join('\n')
}

function inside(chart: Chart, state: ChartState, depth: number): readonly string[] {
  const pad = '  '.repeat(depth)
  const inner = state.states.map((it) =>
    it.states.length > 0
      ? [`${pad}state "${escaped(it.name)}" as ${key(it.id)} {`, ...inside(chart, it, depth + 1), `${pad}}`]
      : atom(key(it.id), it.name, remarks(chart, it), depth),
  )
  if (state.kind === 'parallel') return inner.flatMap((it, n) => (n === 0 ? it : [`${pad}--`, ...it]))
  const first = state.initial === null ? [] : [`${pad}[*] --> ${key(state.initial)}`]
  const last = state.states.filter((it) => it.kind === 'final').map((it) => `${pad}${key(it.id)} --> [*]`)
  return [...first, ...inner.flat(), ...last]
}

function atom(id: string, name: string, lines: readonly string[], depth: number): readonly string[] {
  const pad = '  '.repeat(depth)
  return [`${pad}state "${escaped(name)}" as ${id}`, ...lines.map((it) => `${pad}${id} : ${escaped(it)}`)]
}

function note(chart: Chart, state: ChartState): readonly string[] {
  const lines = remarks(chart, state)
  if (lines.length === 0) return []
  return [`  note right of ${key(state.id)}`, ...lines.map((it) => `    ${escaped(it)}`), '  end note']
}

/** What a state is doing, and what happens in it without an arrow. */
function remarks(chart: Chart, state: ChartState): readonly string[] {
  const { effects, notes } = remarksOf(chart, state)
  return [...effects, ...notes]
}

function arrows(chart: Chart): readonly string[] {
  const composite = new Set([chart.root, ...statesOf(chart)].filter((it) => it.states.length > 0).map((it) => it.id))
  return arrowsOf(chart, composite).map(
    ({ source, target, labels }) =>
      `  ${source === '' ? anywhere : key(source)} --> ${key(target)} : ${labels.map(escaped).join('<br/>')}`,
  )
}

/** A name that Mermaid takes for a state: no word of its own, and no two states share it. */
function key(id: string): string {
  const plain = id.replaceAll(/[^A-Za-z0-9.]/g, (it) => `_${it.codePointAt(0)?.toString(16)}_`).replaceAll('.', '_')
  return /^(state|note|end|class|classDef|style|default|direction|as|scale|any_state)$/i.test(plain)
    ? `${plain}_`
    : plain
}

/** Text as Mermaid shows it: whatever its grammar could take for itself is written as an entity. */
function escaped(text: string): string {
  return text.replaceAll(/[^\p{L}\p{N} _.,()[\]/-]/gu, (it) => `#${it.codePointAt(0)};`)
}
