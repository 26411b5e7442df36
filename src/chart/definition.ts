import type { AnyStateMachine } from 'xstate'
import type { StateNode, Transition } from './chart.ts'
import { actionName, effectName, guardReference } from './names.ts'

type PlainObject = Readonly<Record<string, unknown>>

/**
 * The machine's definition as plain JSON, with guards, actions and actors by name. Stately's editor imports it, and `createMachine`
 * accepts it.
 */
export function definitionOf(machine: AnyStateMachine): PlainObject {
  return { id: machine.id, ...stateOf(machine, machine.root) }
}

function stateOf(machine: AnyStateMachine, node: StateNode): PlainObject {
  const invokeEvents = new Set(
    node.invoke.flatMap(({ id }) => [invokeEventType('done', id), invokeEventType('error', id)]),
  )
  const events = [...node.transitions].filter(([type]) => !invokeEvents.has(type))
  const transitionsFor = (type: string) => {
    const transitions = node.transitions.get(type)
    return transitions && transitions.map((transition: Transition) => transitionOf(machine, transition))
  }
  const initial = node.type === 'compound' ? node.initial.target?.[0]?.key : undefined
  return {
    ...(node.description !== undefined && { description: node.description }),
    ...(['parallel', 'final', 'history'].includes(node.type) && { type: node.type }),
    ...(initial !== undefined && { initial }),
    ...(node.tags.length > 0 && { tags: [...node.tags] }),
    ...(node.invoke.length > 0 && {
      invoke: node.invoke.map(({ id, src }) => {
        const [onDone, onError] = [
          transitionsFor(invokeEventType('done', id)),
          transitionsFor(invokeEventType('error', id)),
        ]
        return { id, src: effectName(src), ...(onDone && { onDone }), ...(onError && { onError }) }
      }),
    }),
    ...(node.always && { always: node.always.map((transition: Transition) => transitionOf(machine, transition)) }),
    ...(events.length > 0 && {
      on: Object.fromEntries(
        events.map(([type, transitions]) => [
          type,
          transitions.map((transition: Transition) => transitionOf(machine, transition)),
        ]),
      ),
    }),
    ...(Object.keys(node.states).length > 0 && {
      states: Object.fromEntries(Object.values(node.states).map((child) => [child.key, stateOf(machine, child)])),
    }),
  }
}

function transitionOf(machine: AnyStateMachine, { target, guard, actions, reenter }: Transition): PlainObject {
  const targets = target?.map((targetNode: StateNode) => `#${[machine.id, ...targetNode.path].join('.')}`)
  return {
    ...(targets && { target: targets.length === 1 ? targets[0] : targets }),
    ...(guard !== undefined && { guard: guardReference(guard) }),
    ...(actions.length > 0 && { actions: actions.map((action) => ({ type: actionName(action) })) }),
    ...(reenter && { reenter }),
  }
}

function invokeEventType(kind: 'done' | 'error', id: string): string {
  return `xstate.${kind}.actor.${id}`
}
