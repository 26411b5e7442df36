import ELK from 'elkjs/lib/elk.bundled.js'
import { expect, test } from 'vitest'
import { chartOf, statesOf } from '../../src/chart/chart.ts'
import { machinesIn } from '../../src/chart/discover.ts'
import { layOut, wordsSize } from '../../src/chart/layout.ts'
import { lit, svgOf } from '../../src/chart/svg.ts'
import { lamp } from './lamp.ts'

const machines = await machinesIn(new URL('../../src/machines/', import.meta.url))
const drawings = await Promise.all(
  [lamp, ...machines.map((found) => found.machine)].map(async (machine) => {
    const drawn = chartOf(machine)
    return { chart: drawn, layout: await layOut(drawn, new ELK.default()) }
  }),
)

test('every state has its place in the drawing, within the one that it lies in and beside the others', () => {
  for (const { chart: drawn, layout } of drawings) {
    const place = new Map(layout.states.map((it) => [it.state.id, it]))
    for (const outer of [drawn.root, ...statesOf(drawn)]) {
      const around = place.get(outer.id) ?? { x: 0, y: 0, width: layout.width, height: layout.height }
      const within = outer.states.flatMap((it) => place.get(it.id) ?? [])
      for (const it of within) {
        expect([it.x >= around.x, it.y >= around.y], it.state.id).toEqual([true, true])
        expect(it.x + it.width <= around.x + around.width && it.y + it.height <= around.y + around.height).toBe(true)
        for (const other of within) expect(it === other || !overlap(it, other), it.state.id).toBe(true)
      }
    }
  }
})

test('no label of an arrow lies over another, or over a state', () => {
  for (const { layout } of drawings) {
    const leaves = layout.states.filter((it) => it.state.states.length === 0)
    for (const { arrow, label } of layout.arrows) {
      for (const other of layout.arrows) expect(arrow === other.arrow || !overlap(label, other.label)).toBe(true)
      for (const leaf of leaves) expect(overlap(label, leaf)).toBe(false)
    }
  }
})

test('no arrow crosses the words at the top of a state', () => {
  for (const { layout } of drawings) {
    const lines = [...layout.arrows, ...layout.beginnings].map(({ points }) => points)
    const pieces = lines.flatMap((points) =>
      points.slice(1).map((to, index) => {
        const from = points[index] ?? to
        const [x, y] = [Math.min(from.x, to.x), Math.min(from.y, to.y)]
        return { x, y, width: Math.abs(to.x - from.x), height: Math.abs(to.y - from.y) }
      }),
    )
    const written = svgOf('x', layout)
    for (const { state, effects, notes, y } of layout.states.filter((it) => it.state.states.length > 0)) {
      const size = wordsSize(state.name, [...effects, ...notes])
      const places = [...written.matchAll(/<text class="name" text-anchor="start" x="([^"]*)" y="([^"]*)">([^<]*)</g)]
      const x = Number(places.find(([, , at, name]) => name === state.name && Number(at) === y + 18)?.[1])
      expect(x).toBeGreaterThan(0)
      expect(
        pieces.filter((piece) => overlap(piece, { x, y, ...size })),
        state.id,
      ).toEqual([])
    }
  }
})

test('every transition that leads somewhere is written on an arrow, and trouble stands out', () => {
  for (const { chart: drawn, layout } of drawings) {
    const composite = new Set(statesOf(drawn).flatMap((it) => (it.states.length > 0 ? [it.id] : [])))
    const leading = drawn.edges.filter(
      (it) => it.target !== null && !(it.target === it.source && composite.has(it.source)),
    )
    expect(layout.arrows.flatMap(({ arrow }) => arrow.labels)).toHaveLength(leading.length)
    expect(layout.arrows.every(({ points }) => points.length > 1)).toBe(true)
  }
  const failing = drawings[0]?.layout.arrows.filter(({ arrow }) => arrow.target === 'failed')
  expect(failing?.every(({ arrow }) => arrow.trouble)).toBe(true)
})

test('a state that is lit is lit with those that it lies in, and no other', () => {
  const [, drawing] = drawings
  if (!drawing) throw new Error('there is no machine')
  const svg = svgOf('t', drawing.layout)
  const ids = (text: string) => [...text.matchAll(/id="state-([^"]*)" class="[^"]* lit"/g)].map(([, id]) => id)
  expect(ids(svg)).toEqual([])
  expect(ids(lit(svg, 'creating.boot'))).toEqual(['creating', 'creating.boot'])
  expect(lit(svg, 'nowhere')).toBe(svg)
})

test('text in a drawing is text, whatever it says', () => {
  const layout = drawings[0]?.layout
  if (!layout) throw new Error('there is no drawing')
  expect(svgOf('<script>', layout)).not.toContain('<script>')
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
