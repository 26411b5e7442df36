import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { AnyStateMachine } from 'xstate'
import { discoverMachines } from '../../src/chart/machine-discovery.ts'

const folder = new URL('../../src/machines/', import.meta.url)
const machines = await discoverMachines(folder)

type Node = AnyStateMachine['root']
const nodesOf = (node: Node): Node[] => [node, ...Object.values(node.states).flatMap((child: Node) => nodesOf(child))]
const transitionsOf = (node: Node) => [...node.transitions.values(), node.always ?? []].flat()

/** Returns the type of an action: `xstate.assign` for an assign. */
function actionTypeOf(machine: AnyStateMachine, action: unknown): unknown {
  const name = typeof action === 'object' && action !== null && 'type' in action ? action.type : action
  const transition: unknown = typeof name === 'string' ? machine.implementations.actions[name] : action
  return typeof transition === 'function' && 'type' in transition ? transition.type : transition
}

describe.each(machines.map((entry) => [entry.machine.id, entry.machine] as const))('%s', (_, machine) => {
  const nodes = nodesOf(machine.root)

  test('M1: actions only assign', () => {
    const actions = nodes.flatMap((node) =>
      [...transitionsOf(node), node.initial].flatMap((transition) => transition.actions),
    )
    expect(actions.length).toBeGreaterThan(0)
    for (const action of [...actions, ...Object.keys(machine.implementations.actions)])
      expect([action, actionTypeOf(machine, action)]).toEqual([action, 'xstate.assign'])
  })

  test('M2: no transition is delayed by XState, since a restart would lose it', () => {
    expect(nodes.flatMap((node) => node.after)).toEqual([])
    expect(Object.keys(machine.implementations.delays)).toEqual([])
  })

  test('M3: every effect has an id and a named source', () => {
    for (const node of nodes) {
      const configured = [node.config.invoke ?? []].flat()
      expect(node.invoke.map(({ id }) => id)).toEqual(configured.map(({ id }) => id ?? `${node.id} has no id`))
      for (const { src } of configured) expect(Object.keys(machine.implementations.actors)).toContain(src)
    }
  })

  test('M4: no state has entry or exit actions, since resume would repeat them', () => {
    expect(nodes.flatMap((node) => [...node.entry, ...node.exit])).toEqual([])
  })
})

test('M5: no machine reads a clock, generates a random number or sets a timer', () => {
  for (const file of readdirSync(folder)) {
    const text = readFileSync(new URL(file, folder), 'utf8')
    expect([
      file,
      /Date\.now|new Date\b|Math\.random|performance\.|setTimeout|setInterval|setImmediate|randomUUID/.exec(text)?.[0],
    ]).toEqual([file, undefined])
  }
})
