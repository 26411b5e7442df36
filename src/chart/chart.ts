import type { AnyStateMachine } from 'xstate'
import { actionName, effectName, eventWords, guardText } from './words.ts'

/** A machine's definition as plain JSON: what a diagram, a table or a page is drawn from. */
export interface Chart {
  /** The machine's id. */
  readonly id: string
  /** The machine itself as a state: its id is `''`, and its edges hold from any state. */
  readonly root: ChartState
  readonly edges: readonly ChartEdge[]
}

export interface ChartState {
  /** Dotted path, unique in the chart: `creating.boot`. */
  readonly id: string
  /** Its last part: `boot`. */
  readonly name: string
  readonly path: readonly string[]
  readonly kind: 'atomic' | 'compound' | 'parallel' | 'final' | 'history'
  /** The id of the state that entering it leads to; `null` where there is none, or more than one. */
  readonly initial: string | null
  readonly description: string | null
  readonly tags: readonly string[]
  /** What is under way while it lasts. */
  readonly invokes: readonly { readonly id: string; readonly src: string }[]
  readonly states: readonly ChartState[]
}

export interface ChartEdge {
  readonly source: string
  /** `null`: it stays where it is. */
  readonly target: string | null
  /** The event in people's words: `boot done`, `deadline over`. */
  readonly event: string
  /** The event's type as the machine has it: `xstate.done.actor.boot`. */
  readonly type: string
  /** What causes it: an event that is sent, the end of an effect or of a state, a delay, or nothing but its guard. */
  readonly cause: 'event' | 'end' | 'delay' | 'always'
  /** The guard, with its parameter if that is fixed: `isAt: image`. */
  readonly guard: string | null
  readonly actions: readonly string[]
  /** Leaves its source and enters it again, even if the target lies inside. */
  readonly reenters: boolean
  /** Nothing happens, and what an outer state would answer is suppressed. */
  readonly forbidden: boolean
  /** It leads to a state named `failed`, or an action of it is named for blame or a retry. */
  readonly trouble: boolean
}

type Node = AnyStateMachine['root']

/** The chart of any XState machine. Pure; the same machine always gives the same chart. */
export function chartOf(machine: AnyStateMachine): Chart {
  return { id: machine.id, root: stateOf(machine.root), edges: edgesOf(machine.root) }
}

/** Every state of the chart but the root, outer before inner, in the order in which the machine declares them. */
export function statesOf(chart: Chart): readonly ChartState[] {
  const below = (state: ChartState): readonly ChartState[] => state.states.flatMap((it) => [it, ...below(it)])
  return below(chart.root)
}

/** The states that have no states inside. */
export function leavesOf(chart: Chart): readonly ChartState[] {
  return statesOf(chart).filter((it) => it.states.length === 0)
}

const idOf = (node: Node) => node.path.join('.')
const inside = (node: Node): readonly Node[] => Object.values(node.states)

function stateOf(node: Node): ChartState {
  const [initial, ...others] = node.type === 'compound' ? (node.initial.target ?? []) : []
  return {
    id: idOf(node),
    name: node.key,
    path: [...node.path],
    kind: node.type,
    initial: initial && others.length === 0 ? idOf(initial) : null,
    description: node.description ?? null,
    tags: [...node.tags],
    invokes: node.invoke.map((it) => ({ id: it.id, src: effectName(it.src) })),
    states: inside(node).map(stateOf),
  }
}

function edgesOf(node: Node): readonly ChartEdge[] {
  const own = [...node.transitions.values(), node.always ?? []].flat()
  return [...own.flatMap((it) => edgeOf(node, it)), ...inside(node).flatMap(edgesOf)]
}

type Transition = NonNullable<Node['always']>[number]

function edgeOf(node: Node, { eventType: type, target, guard, actions: given, reenter }: Transition): ChartEdge[] {
  const actions = given.map(actionName)
  const edge = {
    source: idOf(node),
    event: eventWords(type, new Map(node.invoke.map((it) => [it.id, effectName(it.src)]))),
    type,
    cause: causeOf(type),
    guard: guard === undefined ? null : guardText(guard),
    actions,
    reenters: reenter,
    forbidden: target === undefined && actions.length === 0,
  }
  const grave = actions.some((it) => /^(blame|retry)/i.test(it))
  if (target === undefined) return [{ ...edge, target: null, trouble: grave }]
  return target.map((to: Node) => ({ ...edge, target: idOf(to), trouble: grave || to.key === 'failed' }))
}

function causeOf(type: string): ChartEdge['cause'] {
  if (type === '') return 'always'
  if (type.startsWith('xstate.after.')) return 'delay'
  return type.startsWith('xstate.') ? 'end' : 'event'
}
