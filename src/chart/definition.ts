import type { AnyStateMachine } from 'xstate'
import { actionName, effectName, guardText } from './words.ts'

type Node = AnyStateMachine['root']
type Transition = NonNullable<Node['always']>[number]
type Plain = Readonly<Record<string, unknown>>

/**
 * The machine's definition as plain JSON, in XState's own form, with guards, actions and effects by name: what Stately's editor imports,
 * and `createMachine` takes.
 */
export function definitionOf(machine: AnyStateMachine): Plain {
  return { id: machine.id, ...stateOf(machine, machine.root) }
}

function stateOf(machine: AnyStateMachine, node: Node): Plain {
  const ends = new Set(node.invoke.flatMap(({ id }) => [endOf('done', id), endOf('error', id)]))
  const events = [...node.transitions].filter(([type]) => !ends.has(type))
  const answers = (type: string) => {
    const found = node.transitions.get(type)
    return found && found.map((it: Transition) => answerOf(machine, it))
  }
  const initial = node.type === 'compound' ? node.initial.target?.[0]?.key : undefined
  return {
    ...(node.description !== undefined && { description: node.description }),
    ...(['parallel', 'final', 'history'].includes(node.type) && { type: node.type }),
    ...(initial !== undefined && { initial }),
    ...(node.tags.length > 0 && { tags: [...node.tags] }),
    ...(node.invoke.length > 0 && {
      invoke: node.invoke.map(({ id, src }) => {
        const [onDone, onError] = [answers(endOf('done', id)), answers(endOf('error', id))]
        return { id, src: effectName(src), ...(onDone && { onDone }), ...(onError && { onError }) }
      }),
    }),
    ...(node.always && { always: node.always.map((it: Transition) => answerOf(machine, it)) }),
    ...(events.length > 0 && {
      on: Object.fromEntries(events.map(([type, all]) => [type, all.map((it: Transition) => answerOf(machine, it))])),
    }),
    ...(Object.keys(node.states).length > 0 && {
      states: Object.fromEntries(Object.values(node.states).map((it) => [it.key, stateOf(machine, it)])),
    }),
  }
}

function answerOf(machine: AnyStateMachine, { target, guard, actions, reenter }: Transition): Plain {
  const goals = target?.map((to: Node) => `#${[machine.id, ...to.path].join('.')}`)
  return {
    ...(goals && { target: goals.length === 1 ? goals[0] : goals }),
    ...(guard !== undefined && { guard: guardOf(guard) }),
    ...(actions.length > 0 && { actions: actions.map((it) => ({ type: actionName(it) })) }),
    ...(reenter && { reenter }),
  }
}

function guardOf(guard: unknown): Plain {
  const fixed = typeof guard === 'object' && guard !== null && 'params' in guard ? guard.params : undefined
  if (fixed === undefined || typeof fixed === 'function') return { type: guardText(guard) }
  return { type: guardText({ ...Object(guard), params: undefined }), params: fixed }
}

function endOf(kind: 'done' | 'error', id: string): string {
  return `xstate.${kind}.actor.${id}`
}
