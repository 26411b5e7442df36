import type { AnyStateMachine } from 'xstate'
import { actionName, effectName, eventName, guardName } from './names.ts'

/** A machine's definition as plain JSON, for diagrams, tables and pages. */
export interface Chart {
  /** The machine's id. */
  readonly id: string
  /** The machine itself as a state. Its id is `''`, and its edges apply in any state. */
  readonly root: ChartState
  readonly edges: readonly ChartEdge[]
}

export interface ChartState {
  /** Dotted path, unique in the chart: `creating.boot`. */
  readonly id: string
  /** The last part of the path: `boot`. */
  readonly name: string
  readonly path: readonly string[]
  readonly kind: 'atomic' | 'compound' | 'parallel' | 'final' | 'history'
  /** The id of the initial state; `null` if there is none, or more than one. */
  readonly initial: string | null
  readonly description: string | null
  readonly tags: readonly string[]
  /** The actors that run while the state is active. */
  readonly invokes: readonly { readonly id: string; readonly src: string }[]
  readonly states: readonly ChartState[]
}

export interface ChartEdge {
  readonly source: string
  /** `null` for an internal transition. */
  readonly target: string | null
  /** The event for readers: `boot done`, `deadline timed out`. */
  readonly event: string
  /** The event's type in the machine: `xstate.done.actor.boot`. */
  readonly type: string
  /** What causes the transition: a sent event, the completion of an actor or a state, a delay, or its guard alone. */
  readonly cause: 'event' | 'done' | 'delay' | 'always'
  /** The guard, with its parameter if that is static: `isAt: image`. */
  readonly guard: string | null
  readonly actions: readonly string[]
  /** The transition exits and re-enters its source, even if the target is a descendant. */
  readonly reenters: boolean
  /** The state ignores the event, and keeps its ancestors from handling it. */
  readonly forbidden: boolean
  /** The target is named `failed`, or an action's name begins with `blame` or `retry`. */
  readonly failure: boolean
}

export type StateNode = AnyStateMachine['root']
export type Transition = NonNullable<StateNode['always']>[number]

/** The chart of any XState machine. Pure: the same machine always has the same chart. */
export function chartOf(machine: AnyStateMachine): Chart {
  return { id: machine.id, root: stateOf(machine.root), edges: edgesOf(machine.root) }
}

/** Every state of the chart except the root, parents before children, in declaration order. */
export function statesOf(chart: Chart): readonly ChartState[] {
  const descendantsOf = (state: ChartState): readonly ChartState[] =>
    state.states.flatMap((child) => [child, ...descendantsOf(child)])
  return descendantsOf(chart.root)
}

/** The states without children. */
export function leavesOf(chart: Chart): readonly ChartState[] {
  return statesOf(chart).filter((state) => state.states.length === 0)
}

/** The ids of the states with children, the root's included. */
export function compoundIdsOf(chart: Chart): ReadonlySet<string> {
  return new Set([chart.root, ...statesOf(chart)].flatMap(({ id, states }) => (states.length > 0 ? [id] : [])))
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
  return type.startsWith('xstate.') ? 'done' : 'event'
}
