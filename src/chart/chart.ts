import type { AnyStateMachine } from 'xstate'
import { actionName, effectName, eventName, guardName } from './names.ts'

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
  readonly failure: boolean
}

type StateNode = AnyStateMachine['root']

/** The chart of any XState machine. Pure; the same machine always gives the same chart. */
export function chartOf(machine: AnyStateMachine): Chart {
  return { id: machine.id, root: stateOf(machine.root), edges: edgesOf(machine.root) }
}

/** Every state of the chart but the root, outer before inner, in the order in which the machine declares them. */
export function statesOf(chart: Chart): readonly ChartState[] {
  const descendantsOf = (state: ChartState): readonly ChartState[] =>
    state.states.flatMap((child) => [child, ...descendantsOf(child)])
  return descendantsOf(chart.root)
}

/** The states that have no states inside. */
export function leavesOf(chart: Chart): readonly ChartState[] {
  return statesOf(chart).filter((state) => state.states.length === 0)
}

const idOf = (node: StateNode) => node.path.join('.')
const childNodesOf = (node: StateNode): readonly StateNode[] => Object.values(node.states)

function stateOf(node: StateNode): ChartState {
  const [initial, ...otherTargets] = node.type === 'compound' ? (node.initial.target ?? []) : []
  return {
    id: idOf(node),
    name: node.key,
    path: [...node.path],
    kind: node.type,
    initial: initial && otherTargets.length === 0 ? idOf(initial) : null,
    description: node.description ?? null,
    tags: [...node.tags],
    invokes: node.invoke.map((invocation) => ({ id: invocation.id, src: effectName(invocation.src) })),
    states: childNodesOf(node).map(stateOf),
  }
}

function edgesOf(node: StateNode): readonly ChartEdge[] {
  const transitions = [...node.transitions.values(), node.always ?? []].flat()
  return [...transitions.flatMap((transition) => edgeOf(node, transition)), ...childNodesOf(node).flatMap(edgesOf)]
}

type Transition = NonNullable<StateNode['always']>[number]

function edgeOf(
  node: StateNode,
  { eventType: type, target, guard, actions: transitionActions, reenter }: Transition,
): ChartEdge[] {
  const actions = transitionActions.map(actionName)
  const edge = {
    source: idOf(node),
    event: eventName(type, new Map(node.invoke.map((invocation) => [invocation.id, effectName(invocation.src)]))),
    type,
    cause: causeOf(type),
    guard: guard === undefined ? null : guardName(guard),
    actions,
    reenters: reenter,
    forbidden: target === undefined && actions.length === 0,
  }
  const isFailure = actions.some((action) => /^(blame|retry)/i.test(action))
  if (target === undefined) return [{ ...edge, target: null, failure: isFailure }]
  return target.map((targetNode: StateNode) => ({
    ...edge,
    target: idOf(targetNode),
    failure: isFailure || targetNode.key === 'failed',
  }))
}

function causeOf(type: string): ChartEdge['cause'] {
  if (type === '') return 'always'
  if (type.startsWith('xstate.after.')) return 'delay'
  return type.startsWith('xstate.') ? 'end' : 'event'
}
