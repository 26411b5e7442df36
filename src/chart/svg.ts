import type { Box, Layout, PlacedArrow, PlacedState, Point } from './layout.ts'
import { headingAt } from './heading.ts'
import { dotRadius, headHeight, lineHeight, wordsSize } from './layout.ts'

/** Corners of arrows are rounded by so much. */
const bend = 6

/**
 * A laid out chart as SVG. Each state is a group with the id `state-<path>`, each arrow one with the id `arrow-<source>-<target>`: whoever
 * lights one up gives it the class `lit`. Its colours follow the reader's preference for light or dark.
 */
export function svgOf(title: string, layout: Layout): string {
  const { width, height, states, arrows, beginnings, anywhere } = layout
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escaped(title)}">`,
    `<title>${escaped(title)}</title>`,
    `<style>${style}</style>`,
    `<defs>${marker('tip', 'tip')}${marker('tip-trouble', 'tip trouble')}</defs>`,
    `<rect class="paper" width="${width}" height="${height}"/>`,
    ...states.map(stateGroup),
    ...(anywhere ? [anywhereGroup(anywhere)] : []),
    ...beginnings.map(({ dot, points }) => `<g class="arrow">${path(points, 'tip')}${circle(dot)}</g>`),
    ...arrows.map(arrowGroup),
    // Over all arrows, so that none crosses a word.
    ...states.map((it) => wordsGroup(it, layout)),
    ...arrows.map(labelGroup),
    '</svg>',
    '',
  ].join('\n')
}

/** The same with the state at `path` lit, and every state that it lies in. A path that the chart does not have lights nothing. */
export function lit(svg: string, path: string): string {
  const parts = path.split('.')
  const active = new Set(parts.map((_, index) => parts.slice(0, index + 1).join('.')))
  return svg.replaceAll(/<g id="state-([^"]*)" class="([^"]*)"/g, (whole, id: string, classes: string) =>
    active.has(id) ? `<g id="state-${id}" class="${classes} lit"` : whole,
  )
}

function stateGroup({ state, ...box }: PlacedState): string {
  const kinds = ['state', isCompound(state) ? 'compound' : 'leaf', ...(state.name === 'failed' ? ['trouble'] : [])]
  const inner = state.kind === 'final' ? rect(inset(box, 3), 5) : ''
  const meaning = state.description === null ? '' : `<title>${escaped(state.description)}</title>`
  return `<g id="state-${escaped(state.id)}" class="${kinds.join(' ')}">${meaning}${rect(box, 7)}${inner}</g>`
}

function wordsGroup({ state, effects, notes, ...box }: PlacedState, { arrows, beginnings }: Layout): string {
  const { x, y, width } = box
  const drawn = [...arrows, ...beginnings].map(({ points }) => points)
  const size = wordsSize(state.name, [...effects, ...notes])
  const [anchor, at] = isCompound(state)
    ? [
        'start',
        headingAt(
          box,
          size,
          drawn,
          arrows.map(({ label }) => label),
        ),
      ]
    : ['middle', x + width / 2]
  const line = (text: string, kind: string, below: number) =>
    `<text class="${kind}" text-anchor="${anchor}" x="${at}" y="${y + below}">${escaped(text)}</text>`
  const lines = [
    ...effects.map((text) => ({ text, kind: 'effect' })),
    ...notes.map((text) => ({ text, kind: 'note' })),
  ].map(({ text, kind }, index) => line(text, kind, headHeight + 8 + index * lineHeight))
  return `<g class="words${isCompound(state) ? ' compound' : ''}">${line(state.name, 'name', 18)}${lines.join('')}</g>`
}

function isCompound(state: PlacedState['state']): boolean {
  return state.states.length > 0
}

function anywhereGroup(box: Box): string {
  const label = `<text class="note" text-anchor="middle" x="${box.x + box.width / 2}" y="${box.y + 18}">any state</text>`
  return `<g class="anywhere">${rect(box, 7)}${label}</g>`
}

function arrowGroup({ arrow, points }: PlacedArrow): string {
  const kinds = arrow.trouble ? 'arrow trouble' : 'arrow'
  const id = `arrow-${arrow.source || 'any'}-${arrow.target}`
  return `<g id="${escaped(id)}" class="${kinds}">${path(points, arrow.trouble ? 'tip-trouble' : 'tip')}</g>`
}

function labelGroup({ arrow, label }: PlacedArrow): string {
  const lines = arrow.labels.map(
    (text, index) =>
      `<text text-anchor="middle" x="${label.x + label.width / 2}" y="${label.y + 11 + index * lineHeight}">${escaped(text)}</text>`,
  )
  return `<g class="label${arrow.trouble ? ' trouble' : ''}">${lines.join('')}</g>`
}

function rect({ x, y, width, height }: Box, radius: number): string {
  return `<rect x="${x}" y="${y}" width="${width}" height="${height}" rx="${radius}"/>`
}

function inset({ x, y, width, height }: Box, by: number): Box {
  return { x: x + by, y: y + by, width: width - 2 * by, height: height - 2 * by }
}

function circle({ x, y }: Point): string {
  return `<circle class="dot" cx="${x}" cy="${y}" r="${dotRadius}"/>`
}

/** A line with round corners. */
function path(points: readonly Point[], tip: string): string {
  const [first, ...rest] = points
  if (!first) return ''
  const drawn = rest.map((point, index) => {
    const before = points[index] ?? point
    const after = rest[index + 1]
    if (!after) return `L${point.x} ${point.y}`
    const into = towards(point, before)
    const out = towards(point, after)
    return `L${into.x} ${into.y}Q${point.x} ${point.y} ${out.x} ${out.y}`
  })
  return `<path d="M${first.x} ${first.y}${drawn.join('')}" marker-end="url(#${tip})"/>`
}

/** The place a bend away from a corner, but not beyond the middle of its line. */
function towards(corner: Point, other: Point): Point {
  const length = Math.hypot(other.x - corner.x, other.y - corner.y)
  const share = length === 0 ? 0 : Math.min(bend, length / 2) / length
  const at = (from: number, to: number) => Math.round((from + (to - from) * share) * 10) / 10
  return { x: at(corner.x, other.x), y: at(corner.y, other.y) }
}

function marker(id: string, kinds: string): string {
  return `<marker id="${id}" class="${kinds}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z"/></marker>`
}

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (it) => `&#${it.codePointAt(0)};`)
}

const style = `
svg{--paper:#fff;--box:#fff;--group:#f8fafc;--line:#64748b;--rim:#94a3b8;--ink:#0f172a;--soft:#475569;--effect:#4f46e5;--bad:#dc2626;--lit:#16a34a;--glow:#dcfce7;--veil:#f0fdf4;font-family:system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
@media (prefers-color-scheme:dark){svg{--paper:#0b1120;--box:#1e293b;--group:#111a2e;--line:#94a3b8;--rim:#475569;--ink:#f1f5f9;--soft:#cbd5e1;--effect:#a5b4fc;--bad:#f87171;--lit:#4ade80;--glow:#14532d;--veil:#0f2a1c}}
.paper{fill:var(--paper)}
.state rect{fill:var(--box);stroke:var(--rim);stroke-width:1.2}
.compound>rect{fill:var(--group)}
.words.compound text{paint-order:stroke;stroke:var(--group);stroke-width:4px;stroke-linejoin:round}
.name{font-size:13px;font-weight:600;fill:var(--ink)}
.effect,.note,.label text{font-size:10.5px}
.effect{fill:var(--effect)}
.note{fill:var(--soft)}
.trouble>rect{stroke:var(--bad)}
.anywhere rect{fill:none;stroke:var(--rim);stroke-dasharray:4 3}
.arrow path{fill:none;stroke:var(--line);stroke-width:1.2}
.arrow.trouble path{stroke:var(--bad)}
.tip path{fill:var(--line)}
.tip.trouble path{fill:var(--bad)}
.dot{fill:var(--ink)}
.label text{fill:var(--soft);paint-order:stroke;stroke:var(--paper);stroke-width:4px;stroke-linejoin:round}
.label.trouble text{fill:var(--bad)}
.state.lit>rect{stroke:var(--lit);stroke-width:2.4;fill:var(--veil)}
.leaf.lit>rect{fill:var(--glow)}
.arrow.lit path{stroke:var(--lit);stroke-width:2.6}
`.replaceAll('\n', '')
