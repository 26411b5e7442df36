import ELK from 'elkjs/lib/elk.bundled.js'
import { expect, test } from 'vitest'
import { chartOf, statesOf } from '../../src/chart/chart.ts'
import { discoverMachines } from '../../src/chart/machine-discovery.ts'
import { layOutChart, stateTextSize } from '../../src/chart/layout.ts'
import { highlightState, chartSvg } from '../../src/chart/svg.ts'
import { lampMachine } from './lamp-machine.ts'

const machines = await discoverMachines(new URL('../../src/machines/', import.meta.url))
const drawings = await Promise.all(
  [lampMachine, ...machines.map((found) => found.machine)].map(async (machine) => {
    const drawn = chartOf(machine)
    return { chart: drawn, layout: await layOutChart(drawn, new ELK.default()) }
  }),
)

test('every state has its place in the drawing, within the one that it lies in and beside the others', () => {
  for (const { chart: drawn, layout } of drawings) {
    const place = new Map(layout.states.map((placed) => [placed.state.id, placed]))
    for (const outer of [drawn.root, ...statesOf(drawn)]) {
      const around = place.get(outer.id) ?? { x: 0, y: 0, width: layout.width, height: layout.height }
      const within = outer.states.flatMap((state) => place.get(state.id) ?? [])
      for (const inner of within) {
        expect([inner.x >= around.x, inner.y >= around.y], inner.state.id).toEqual([true, true])
        expect(
          inner.x + inner.width <= around.x + around.width && inner.y + inner.height <= around.y + around.height,
        ).toBe(true)
        for (const other of within) expect(inner === other || !overlap(inner, other), inner.state.id).toBe(true)
      }
    }
  }
})

test('no label of an arrow lies over another, or over a state', () => {
  for (const { layout } of drawings) {
    const leaves = layout.states.filter((placed) => placed.state.states.length === 0)
    for (const { arrow, label } of layout.arrows) {
      for (const other of layout.arrows) expect(arrow === other.arrow || !overlap(label, other.label)).toBe(true)
      for (const leaf of leaves) expect(overlap(label, leaf)).toBe(false)
    }
  }
})

test('no arrow crosses the words at the top of a state', () => {
  for (const { layout } of drawings) {
    const lines = [...layout.arrows, ...layout.initialMarkers].map(({ points }) => points)
    const segments = lines.flatMap((points) =>
      points.slice(1).map((to, index) => {
        const from = points[index] ?? to
        const [x, y] = [Math.min(from.x, to.x), Math.min(from.y, to.y)]
        return { x, y, width: Math.abs(to.x - from.x), height: Math.abs(to.y - from.y) }
      }),
    )
    const written = chartSvg('x', layout)
    for (const { state, effects, notes, y } of layout.states.filter((placed) => placed.state.states.length > 0)) {
      const size = stateTextSize(state.name, [...effects, ...notes])
      const places = [...written.matchAll(/<text class="name" text-anchor="start" x="([^"]*)" y="([^"]*)">([^<]*)</g)]
      const x = Number(places.find(([, , at, name]) => name === state.name && Number(at) === y + 18)?.[1])
      expect(x).toBeGreaterThan(0)
      expect(
        segments.filter((chunk) => overlap(chunk, { x, y, ...size })),
        state.id,
      ).toEqual([])
    }
  }
})

test('every transition that leads somewhere is written on an arrow, and trouble stands out', () => {
  for (const { chart: drawn, layout } of drawings) {
    const composite = new Set(statesOf(drawn).flatMap((state) => (state.states.length > 0 ? [state.id] : [])))
    const leading = drawn.edges.filter(
      (edge) => edge.target !== null && !(edge.target === edge.source && composite.has(edge.source)),
    )
    expect(layout.arrows.flatMap(({ arrow }) => arrow.labels)).toHaveLength(leading.length)
    expect(layout.arrows.every(({ points }) => points.length > 1)).toBe(true)
  }
  const failing = drawings[0]?.layout.arrows.filter(({ arrow }) => arrow.target === 'failed')
  expect(failing?.every(({ arrow }) => arrow.failure)).toBe(true)
})

test('a state that is lit is lit with those that it lies in, and no other', () => {
  const [, drawing] = drawings
  if (!drawing) throw new Error('there is no machine')
  const svg = chartSvg('t', drawing.layout)
  const ids = (text: string) => [...text.matchAll(/id="state-([^"]*)" class="[^"]* lit"/g)].map(([, id]) => id)
  expect(ids(svg)).toEqual([])
  expect(ids(highlightState(svg, 'creating.boot'))).toEqual(['creating', 'creating.boot'])
  expect(highlightState(svg, 'nowhere')).toBe(svg)
})

test('text in a drawing is text, whatever it says', () => {
  const layout = drawings[0]?.layout
  if (!layout) throw new Error('there is no drawing')
  expect(chartSvg('<script>', layout)).not.toContain('<script>')
})

interface Placed {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

function overlap(a: Placed, b: Placed): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height
}
