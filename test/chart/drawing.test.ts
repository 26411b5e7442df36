import ELK from 'elkjs/lib/elk.bundled.js'
import { expect, test } from 'vitest'
import { chartOf, compoundIdsOf, statesOf } from '../../src/chart/chart.ts'
import { discoverMachines } from '../../src/chart/machine-discovery.ts'
import { layOutChart, stateTextSize } from '../../src/chart/layout.ts'
import { highlightState, chartSvg } from '../../src/chart/svg.ts'
import { lampMachine } from './lamp-machine.ts'

const machines = await discoverMachines(new URL('../../src/machines/', import.meta.url))
const drawings = await Promise.all(
  [lampMachine, ...machines.map((discovered) => discovered.machine)].map(async (machine) => {
    const chart = chartOf(machine)
    return { chart, layout: await layOutChart(chart, new ELK.default()) }
  }),
)

test('every state lies inside its parent and overlaps no sibling', () => {
  for (const { chart, layout } of drawings) {
    const placedById = new Map(layout.states.map((placed) => [placed.state.id, placed]))
    for (const parent of [chart.root, ...statesOf(chart)]) {
      const parentBox = placedById.get(parent.id) ?? { x: 0, y: 0, width: layout.width, height: layout.height }
      const children = parent.states.flatMap((state) => placedById.get(state.id) ?? [])
      for (const child of children) {
        expect([child.x >= parentBox.x, child.y >= parentBox.y], child.state.id).toEqual([true, true])
        expect(
          child.x + child.width <= parentBox.x + parentBox.width &&
            child.y + child.height <= parentBox.y + parentBox.height,
        ).toBe(true)
        for (const sibling of children) expect(child === sibling || !overlap(child, sibling), child.state.id).toBe(true)
      }
    }
  }
})

test('the label of an arrow overlaps no other label and no state', () => {
  for (const { layout } of drawings) {
    const leaves = layout.states.filter((placed) => placed.state.states.length === 0)
    for (const { arrow, label } of layout.arrows) {
      for (const other of layout.arrows) expect(arrow === other.arrow || !overlap(label, other.label)).toBe(true)
      for (const leaf of leaves) expect(overlap(label, leaf)).toBe(false)
    }
  }
})

test('no arrow crosses the heading of a compound state', () => {
  for (const { layout } of drawings) {
    const lines = [...layout.arrows, ...layout.initialMarkers].map(({ points }) => points)
    const segments = lines.flatMap((points) =>
      points.slice(1).map((to, index) => {
        const from = points[index] ?? to
        const [x, y] = [Math.min(from.x, to.x), Math.min(from.y, to.y)]
        return { x, y, width: Math.abs(to.x - from.x), height: Math.abs(to.y - from.y) }
      }),
    )
    const svg = chartSvg('x', layout)
    for (const { state, effects, notes, y } of layout.states.filter((placed) => placed.state.states.length > 0)) {
      const size = stateTextSize(state.name, [...effects, ...notes])
      const headings = [...svg.matchAll(/<text class="name" text-anchor="start" x="([^"]*)" y="([^"]*)">([^<]*)</g)]
      const x = Number(headings.find(([, , textY, name]) => name === state.name && Number(textY) === y + 18)?.[1])
      expect(x).toBeGreaterThan(0)
      expect(
        segments.filter((segment) => overlap(segment, { x, y, ...size })),
        state.id,
      ).toEqual([])
    }
  }
})

test('every transition with a target is a label of an arrow, and arrows to failures are marked', () => {
  for (const { chart, layout } of drawings) {
    const compoundIds = compoundIdsOf(chart)
    const labelled = chart.edges.filter(
      (edge) => edge.target !== null && !(edge.target === edge.source && compoundIds.has(edge.source)),
    )
    expect(layout.arrows.flatMap(({ arrow }) => arrow.labels)).toHaveLength(labelled.length)
    expect(layout.arrows.every(({ points }) => points.length > 1)).toBe(true)
  }
  const failureArrows = drawings[0]?.layout.arrows.filter(({ arrow }) => arrow.target === 'failed')
  expect(failureArrows?.every(({ arrow }) => arrow.failure)).toBe(true)
})

test('a highlighted state is active together with its ancestors, and with no other state', () => {
  const [, drawing] = drawings
  if (!drawing) throw new Error('no machine was discovered')
  const svg = chartSvg('t', drawing.layout)
  const activeIds = (text: string) => [...text.matchAll(/id="state-([^"]*)" class="[^"]* active"/g)].map(([, id]) => id)
  expect(activeIds(svg)).toEqual([])
  expect(activeIds(highlightState(svg, 'creating.boot'))).toEqual(['creating', 'creating.boot'])
  expect(highlightState(svg, 'nowhere')).toBe(svg)
})

test('markup in the title of a drawing is escaped', () => {
  const layout = drawings[0]?.layout
  if (!layout) throw new Error('the lamp has no drawing')
  expect(chartSvg('<script>', layout)).not.toContain('<script>')
})

interface Rectangle {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

function overlap(a: Rectangle, b: Rectangle): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height
}
