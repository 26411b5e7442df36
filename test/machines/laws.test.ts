import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { AnyStateMachine } from 'xstate'
import { machinesIn } from '../../src/chart/discover.ts'

const folder = new URL('../../src/machines/', import.meta.url)
const machines = await machinesIn(folder)

type Node = AnyStateMachine['root']
const nodesOf = (node: Node): Node[] => [node, ...Object.values(node.states).flatMap((it: Node) => nodesOf(it))]
const transitionsOf = (node: Node) => [...node.transitions.values(), node.always ?? []].flat()

/** What an action is made of: `xstate.assign` for an assign, else whatever else it is. */
function makeOf(machine: AnyStateMachine, action: unknown): unknown {
  const name = typeof action === 'object' && action !== null && 'type' in action ? action.type : action
  const made: unknown = typeof name === 'string' ? machine.implementations.actions[name] : action
  return typeof made === 'function' && 'type' in made ? made.type : made
}

describe.each(machines.map((it) => [it.machine.id, it.machine] as const))('%s', (_, machine) => {
  const nodes = nodesOf(machine.root)

  test('M1: actions only assign', () => {
    const actions = nodes.flatMap((it) => [...transitionsOf(it), it.initial].flatMap((made) => made.actions))
    expect(actions.length).toBeGreaterThan(0)
    for (const it of [...actions, ...Object.keys(machine.implementations.actions)])
      expect([it, makeOf(machine, it)]).toEqual([it, 'xstate.assign'])
  })

  test('M2: no transition is delayed by XState, which would forget it', () => {
    expect(nodes.flatMap((it) => it.after)).toEqual([])
    expect(Object.keys(machine.implementations.delays)).toEqual([])
  })

  test('M3: every effect has an id and a source with a name', () => {
    for (const it of nodes) {
      const given = [it.config.invoke ?? []].flat()
      expect(it.invoke.map(({ id }) => id)).toEqual(given.map(({ id }) => id ?? `${it.id} names no id`))
      for (const { src } of given) expect(Object.keys(machine.implementations.actors)).toContain(src)
    }
  })

  test('M4: no state does anything on entry or exit, which resume would repeat', () => {
    expect(nodes.flatMap((it) => [...it.entry, ...it.exit])).toEqual([])
  })
})

test('M5: no machine reads a clock, draws a number or sets a timer', () => {
  for (const file of readdirSync(folder)) {
    const text = readFileSync(new URL(file, folder), 'utf8')
    expect([
      file,
      /Date\.now|new Date\b|Math\.random|performance\.|setTimeout|setInterval|setImmediate|randomUUID/.exec(text)?.[0],
    ]).toEqual([file, undefined])
  }
})
