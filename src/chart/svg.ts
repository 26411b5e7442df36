import type { Box, ChartLayout, PlacedArrow, PlacedState, Point } from './layout.ts'
import { headingX } from './heading-position.ts'
import { dotRadius, headerHeight, lineHeight, stateTextSize } from './layout.ts'

/** Corners of arrows are rounded by so much. */
const cornerRadius = 6

/**
 * A laid out chart as SVG. Each state is a group with the id `state-<path>`, each arrow one with the id `arrow-<source>-<target>`: whoever
 * lights one up gives it the class `lit`. Its colours follow the reader's preference for light or dark.
 */
export function chartSvg(title: string, layout: ChartLayout): string {
  const { width, height, states, arrows, initialMarkers, anyState } = layout
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escapeXml(title)}">`,
    `<title>${escapeXml(title)}</title>`,
    `<style>${style}</style>`,
    `<defs>${marker('tip', 'tip')}${marker('tip-trouble', 'tip trouble')}</defs>`,
    `<rect class="paper" width="${width}" height="${height}"/>`,
    ...states.map(stateGroup),
    ...(anyState ? [anyStateGroup(anyState)] : []),
    ...initialMarkers.map(({ dot, points }) => `<g class="arrow">${path(points, 'tip')}${circle(dot)}</g>`),
    ...arrows.map(arrowGroup),
    // Over all arrows, so that none crosses a word.
    ...states.map((state) => textGroup(state, layout)),
    ...arrows.map(labelGroup),
    '</svg>',
    '',
  ].join('\n')
}

/** The same with the state at `path` lit, and every state that it lies in. A path that the chart does not have lights nothing. */
export function highlightState(svg: string, path: string): string {
  const parts = path.split('.')
  const highlightedIds = new Set(parts.map((_, index) => parts.slice(0, index + 1).join('.')))
  return svg.replaceAll(/<g id="state-([^"]*)" class="([^"]*)"/g, (match, id: string, classes: string) =>
    highlightedIds.has(id) ? `<g id="state-${id}" class="${classes} lit"` : match,
  )
}

function stateGroup({ state, ...box }: PlacedState): string {
  const classes = ['state', isCompound(state) ? 'compound' : 'leaf', ...(state.name === 'failed' ? ['trouble'] : [])]
  const innerBorder = state.kind === 'final' ? rect(inset(box, 3), 5) : ''
  const tooltip = state.description === null ? '' : `<title>${escapeXml(state.description)}</title>`
  return `<g id="state-${escapeXml(state.id)}" class="${classes.join(' ')}">${tooltip}${rect(box, 7)}${innerBorder}</g>`
}

function textGroup({ state, effects, notes, ...box }: PlacedState, { arrows, initialMarkers }: ChartLayout): string {
  const { x, y, width } = box
  const polylines = [...arrows, ...initialMarkers].map(({ points }) => points)
  const textSize = stateTextSize(state.name, [...effects, ...notes])
  const [anchor, textX] = isCompound(state)
    ? [
        'start',
        headingX(
          box,
          textSize,
          polylines,
          arrows.map(({ label }) => label),
        ),
      ]
    : ['middle', x + width / 2]
  const line = (text: string, className: string, offsetY: number) =>
    `<text class="${className}" text-anchor="${anchor}" x="${textX}" y="${y + offsetY}">${escapeXml(text)}</text>`
  const lines = [
    ...effects.map((text) => ({ text, className: 'effect' })),
    ...notes.map((text) => ({ text, className: 'note' })),
  ].map(({ text, className }, index) => line(text, className, headerHeight + 8 + index * lineHeight))
  return `<g class="words${isCompound(state) ? ' compound' : ''}">${line(state.name, 'name', 18)}${lines.join('')}</g>`
}

function isCompound(state: PlacedState['state']): boolean {
  return state.states.length > 0
}

function anyStateGroup(box: Box): string {
  const label = `<text class="note" text-anchor="middle" x="${box.x + box.width / 2}" y="${box.y + 18}">any state</text>`
  return `<g class="anywhere">${rect(box, 7)}${label}</g>`
}

function arrowGroup({ arrow, points }: PlacedArrow): string {
  const classes = arrow.failure ? 'arrow trouble' : 'arrow'
  const id = `arrow-${arrow.source || 'any'}-${arrow.target}`
  return `<g id="${escapeXml(id)}" class="${classes}">${path(points, arrow.failure ? 'tip-trouble' : 'tip')}</g>`
}

function labelGroup({ arrow, label }: PlacedArrow): string {
  const lines = arrow.labels.map(
    (text, index) =>
      `<text text-anchor="middle" x="${label.x + label.width / 2}" y="${label.y + 11 + index * lineHeight}">${escapeXml(text)}</text>`,
  )
  return `<g class="label${arrow.failure ? ' trouble' : ''}">${lines.join('')}</g>`
}

function rect({ x, y, width, height }: Box, radius: number): string {
  return `<rect x="${x}" y="${y}" width="${width}" height="${height}" rx="${radius}"/>`
}

function inset({ x, y, width, height }: Box, margin: number): Box {
  return { x: x + margin, y: y + margin, width: width - 2 * margin, height: height - 2 * margin }
}

function circle({ x, y }: Point): string {
  return `<circle class="dot" cx="${x}" cy="${y}" r="${dotRadius}"/>`
}

/** A line with round corners. */
function path(points: readonly Point[], markerId: string): string {
  const [first, ...rest] = points
  if (!first) return ''
  const segments = rest.map((point, index) => {
    const previous = points[index] ?? point
    const next = rest[index + 1]
    if (!next) return `L${point.x} ${point.y}`
    const curveStart = pointTowards(point, previous)
    const curveEnd = pointTowards(point, next)
    return `L${curveStart.x} ${curveStart.y}Q${point.x} ${point.y} ${curveEnd.x} ${curveEnd.y}`
  })
  return `<path d="M${first.x} ${first.y}${segments.join('')}" marker-end="url(#${markerId})"/>`
}

/** The place a bend away from a corner, but not beyond the middle of its line. */
function pointTowards(corner: Point, other: Point): Point {
  const length = Math.hypot(other.x - corner.x, other.y - corner.y)
  const ratio = length === 0 ? 0 : Math.min(cornerRadius, length / 2) / length
  const interpolate = (from: number, to: number) => Math.round((from + (to - from) * ratio) * 10) / 10
  return { x: interpolate(corner.x, other.x), y: interpolate(corner.y, other.y) }
}

function marker(id: string, classes: string): string {
  return `<marker id="${id}" class="${classes}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z"/></marker>`
}

function escapeXml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => `&#${character.codePointAt(0)};`)
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
