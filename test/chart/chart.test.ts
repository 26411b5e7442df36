import { readdirSync, readFileSync } from 'node:fs'
import ELK from 'elkjs/lib/elk.bundled.js'
import { expect, test } from 'vitest'
import { createMachine } from 'xstate'
import { chartOf, leavesOf, statesOf } from '../../src/chart/chart.ts'
import { definitionOf } from '../../src/chart/definition.ts'
import { discoverMachines } from '../../src/chart/machine-discovery.ts'
import { mermaidDiagram } from '../../src/chart/mermaid.ts'
import { statechartPages } from '../../src/chart/pages.ts'
import { transitionsIn, eventTables } from '../../src/chart/event-tables.ts'
import { eventName } from '../../src/chart/names.ts'
import { lampMachine } from './lamp-machine.ts'

const docs = new URL('../../docs/statecharts/', import.meta.url)
const machines = await discoverMachines(new URL('../../src/machines/', import.meta.url))

const chart = chartOf(lampMachine)

test('docs/statecharts is up to date: `npm run charts` generates it', async () => {
  const pages = await statechartPages(machines, new ELK.default())
  expect(readdirSync(docs).sort()).toEqual([...pages.keys()].sort())
  for (const [name, text] of pages) expect(readFileSync(new URL(name, docs), 'utf8')).toBe(text)
})

test('machines and their event groups are discovered by file name', () => {
  expect(machines.map((entry) => [entry.machine.id, entry.file])).toContainEqual(['workspace', 'workspace-machine.ts'])
  expect(machines[0]?.groups.map((group) => group.title)).toEqual([
    'Observations',
    'Supervisor events',
    'User commands',
  ])
})

test('a chart is plain JSON', () => {
  for (const machine of [lampMachine, ...machines.map((discovered) => discovered.machine)]) {
    const plain = chartOf(machine)
    expect(JSON.parse(JSON.stringify(plain))).toEqual(plain)
  }
})

test('a machine that is created from its JSON definition has the same chart', () => {
  for (const machine of [lampMachine, ...machines.map((discovered) => discovered.machine)]) {
    const plain: unknown = JSON.parse(JSON.stringify(definitionOf(machine)))
    expect(chartOf(createMachine(Object(plain)))).toEqual(chartOf(machine))
  }
})

test('a chart has every state with its kind and its initial state', () => {
  expect(statesOf(chart).map((state) => [state.id, state.kind, state.initial])).toEqual([
    ['on', 'parallel', null],
    ['on.bulb', 'compound', 'on.bulb.cold'],
    ['on.bulb.cold', 'atomic', null],
    ['on.bulb.hot', 'final', null],
    ['on.fan', 'compound', 'on.fan.still'],
    ['on.fan.still', 'atomic', null],
    ['on.fan.turning', 'atomic', null],
    ['failed', 'atomic', null],
    ['dark', 'final', null],
  ])
  expect(chart.root).toMatchObject({ id: '', kind: 'compound', initial: 'on', description: 'A lamp.' })
  expect(statesOf(chart)[0]?.tags).toEqual(['bright'])
})

test('a chart has every edge with its guard, and marks those that lead to a failure', () => {
  const edges = chart.edges.map((edge) => [edge.source, edge.event, edge.guard, edge.target, edge.failure])
  expect(edges).toEqual([
    ['', 'off', null, 'dark', false],
    ['', 'again', null, null, false],
    ['on', 'on done', null, 'dark', false],
    ['on.bulb.cold', 'go', 'isAt: x', 'on.bulb.hot', false],
    ['on.bulb.cold', 'go', null, 'failed', true],
    ['on.fan.still', 'always', 'and(not(isHot), isAt: y)', 'on.fan.turning', false],
    ['on.fan.turning', 'again', null, null, false],
    ['on.fan.turning', 'halt', null, 'on.fan.still', true],
    ['failed', 'dim; "now"', null, 'failed', true],
  ])
})

test('a forbidden event is not handled by a parent state', () => {
  const [turning] = leavesOf(chart).filter((leaf) => leaf.name === 'turning')
  const [still] = leavesOf(chart).filter((leaf) => leaf.name === 'still')
  expect(turning && transitionsIn(chart, turning, 'again').map((transition) => transition.forbidden)).toEqual([true])
  expect(
    still && transitionsIn(chart, still, 'again').map((transition) => [transition.source, transition.forbidden]),
  ).toEqual([['', false]])
})

test('events have readable names', () => {
  const effects = new Map([
    ['deadline', 'timer'],
    ['boot', 'boot'],
  ])
  const nameOf = (type: string) => eventName(type, effects)
  expect(nameOf('xstate.done.actor.boot')).toBe('boot done')
  expect(nameOf('xstate.done.actor.deadline')).toBe('deadline timed out')
  expect(nameOf('xstate.error.actor.boot')).toBe('boot failed')
  expect(nameOf('xstate.done.state.workspace.creating')).toBe('creating done')
  expect(nameOf('xstate.after.1000.workspace.creating')).toBe('after 1000 ms')
  expect(nameOf('start')).toBe('start')
})

// Mermaid 10.9 and 11.17 parsed and drew this diagram when the snapshot was taken.
test('a Mermaid diagram escapes the characters of its grammar, and draws no loop around a composite state', () => {
  expect(mermaidDiagram(chart)).toMatchInlineSnapshot(`
    "stateDiagram-v2
      [*] --> on
      state "on" as on {
        state "bulb" as on_bulb {
          [*] --> on_bulb_cold
          state "cold" as on_bulb_cold
          state "hot" as on_bulb_hot
          on_bulb_hot --> [*]
        }
        --
        state "fan" as on_fan {
          [*] --> on_fan_still
          state "still" as on_fan_still
          state "turning" as on_fan_turning
          on_fan_turning : forbids again
        }
      }
      state "failed" as failed
      state "dark" as dark
      dark --> [*]
      state "any state" as any_state
      any_state : again#58; internal
      any_state --> dark : off
      on --> dark : on done
      on_bulb_cold --> on_bulb_hot : go [isAt#58; x]
      on_bulb_cold --> failed : go [else]
      on_fan_still --> on_fan_turning : always [and(not(isHot), isAt#58; y)]
      on_fan_turning --> on_fan_still : halt
      failed --> failed : dim#59; #34;now#34;
      classDef failure stroke:#c0392b,stroke-width:2px
      class failed failure"
  `)
  for (const { machine } of machines) {
    const nested = statesOf(chartOf(machine)).filter((state) => state.states.length > 0)
    const text = mermaidDiagram(chartOf(machine))
    for (const state of nested) {
      const name = state.id.replaceAll('.', '_')
      expect(text).not.toContain(`${name} --> ${name} `)
    }
  }
})

test('tables show the target of each event in each state', () => {
  expect(eventTables(chart, [{ title: 'Switches', types: ['off', 'unknown'] }])).toMatchInlineSnapshot(`
    "### Switches

    |  | off |
    | --- | --- |
    | \`on.bulb.cold\` | \`dark\` |
    | \`on.bulb.hot\` | \`dark\` |
    | \`on.fan.still\` | \`dark\` |
    | \`on.fan.turning\` | \`dark\` |
    | \`failed\` | \`dark\` |

    ### Other events

    |  | again | go | halt | dim; "now" |
    | --- | --- | --- | --- | --- |
    | \`on.bulb.cold\` | internal | \`on.bulb.hot\` if isAt: x<br>\`failed\` | – | – |
    | \`on.bulb.hot\` | internal | – | – | – |
    | \`on.fan.still\` | internal | – | – | – |
    | \`on.fan.turning\` | ✗ | – | \`on.fan.still\` | – |
    | \`failed\` | internal | – | – | ↻ \`failed\` |

    ### Completed invocations and timers

    |  | on done | always |
    | --- | --- | --- |
    | \`on.bulb.cold\` | \`dark\` | – |
    | \`on.bulb.hot\` | \`dark\` | – |
    | \`on.fan.still\` | \`dark\` | \`on.fan.turning\` if and(not(isHot), isAt: y) |
    | \`on.fan.turning\` | \`dark\` | – |"
  `)
})
