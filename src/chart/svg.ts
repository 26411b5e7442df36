import type { Box, ChartLayout, PlacedArrow, PlacedState, Point } from './layout.ts'
import { headingX } from './heading-position.ts'
import { dotRadius, headerHeight, lineHeight, stateTextSize } from './layout.ts'

/** Radius of an arrow's corners, in pixels. */
const cornerRadius = 6

/**
 * Draws a chart as SVG. Each state is a group with the id `state-<path>`, each arrow a group with the id `arrow-<source>-<target>`; the
 * class `active` highlights either. The colours follow the reader's preference for light or dark.
 */
export function chartSvg(title: string, layout: ChartLayout): string {
  const { width, height, states, arrows, initialMarkers, anyState } = layout
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escapeXml(title)}">`,
    `<title>${escapeXml(title)}</title>`,
    `<style>${style}</style>`,
    `<defs>${marker('arrowhead', 'arrowhead')}${marker('arrowhead-failure', 'arrowhead failure')}</defs>`,
    `<rect class="background" width="${width}" height="${height}"/>`,
    ...states.map(stateGroup),
    ...(anyState ? [anyStateGroup(anyState)] : []),
    ...initialMarkers.map(({ dot, points }) => `<g class="arrow">${path(points, 'arrowhead')}${circle(dot)}</g>`),
    ...arrows.map(arrowGroup),
    // On top of the arrows, so that none of them crosses the text.
    ...states.map((state) => textGroup(state, layout)),
    ...arrows.map(labelGroup),
    '</svg>',
    '',
  ].join('\n')
}

/** Highlights the state at `path` and its ancestors. Returns the SVG unchanged if the chart has no such state. */
export function highlightState(svg: string, path: string): string {
  const parts = path.split('.')
  const highlightedIds = new Set(parts.map((_, index) => parts.slice(0, index + 1).join('.')))
  return svg.replaceAll(/<g id="state-([^"]*)" class="([^"]*)"/g, (match, id: string, classes: string) =>
    highlightedIds.has(id) ? `<g id="state-${id}" class="${classes} active"` : match,
  )
}

function stateGroup({ state, ...box }: PlacedState): string {
  const classes = ['state', isCompound(state) ? 'compound' : 'leaf', ...(state.name === 'failed' ? ['failure'] : [])]
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
  return `<g class="text${isCompound(state) ? ' compound' : ''}">${line(state.name, 'name', 18)}${lines.join('')}</g>`
}

function isCompound(state: PlacedState['state']): boolean {
  return state.states.length > 0
}

function anyStateGroup(box: Box): string {
  const label = `<text class="note" text-anchor="middle" x="${box.x + box.width / 2}" y="${box.y + 18}">any state</text>`
  return `<g class="any-state">${rect(box, 7)}${label}</g>`
}

function arrowGroup({ arrow, points }: PlacedArrow): string {
  const classes = arrow.failure ? 'arrow failure' : 'arrow'
  const id = `arrow-${arrow.source || 'any'}-${arrow.target}`
  return `<g id="${escapeXml(id)}" class="${classes}">${path(points, arrow.failure ? 'arrowhead-failure' : 'arrowhead')}</g>`
}

function labelGroup({ arrow, label }: PlacedArrow): string {
  const lines = arrow.labels.map(
    (text, index) =>
      `<text text-anchor="middle" x="${label.x + label.width / 2}" y="${label.y + 11 + index * lineHeight}">${escapeXml(text)}</text>`,
  )
  return `<g class="label${arrow.failure ? ' failure' : ''}">${lines.join('')}</g>`
}

function rect({ x, y, width, height }: Box, radius: number): string {
  return `<rect x="${x}" y="${y}" width="${width}" height="${height}" rx="${radius}"/>`
}

function inset({ x, y, width, height }: Box, margin: number): Box {
  return { x: x + margin, y: y + margin, width: width - 2 * margin, height: height - 2 * margin }
}

function circle({ x, y }: Point): string {
  return `<circle class="initial" cx="${x}" cy="${y}" r="${dotRadius}"/>`
}

/** An arrow's line, with rounded corners. */
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

/** The point where a corner's curve begins: `cornerRadius` away from the corner, at most half way to `other`. */
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
svg{--background:#fff;--state:#fff;--compound:#f8fafc;--line:#64748b;--border:#94a3b8;--text:#0f172a;--text-muted:#475569;--effect:#4f46e5;--failure:#dc2626;--active:#16a34a;--active-leaf:#dcfce7;--active-group:#f0fdf4;font-family:system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
@media (prefers-color-scheme:dark){svg{--background:#0b1120;--state:#1e293b;--compound:#111a2e;--line:#94a3b8;--border:#475569;--text:#f1f5f9;--text-muted:#cbd5e1;--effect:#a5b4fc;--failure:#f87171;--active:#4ade80;--active-leaf:#14532d;--active-group:#0f2a1c}}
.background{fill:var(--background)}
.state rect{fill:var(--state);stroke:var(--border);stroke-width:1.2}
.compound>rect{fill:var(--compound)}
.text.compound text{paint-order:stroke;stroke:var(--compound);stroke-width:4px;stroke-linejoin:round}
.name{font-size:13px;font-weight:600;fill:var(--text)}
.effect,.note,.label text{font-size:10.5px}
.effect{fill:var(--effect)}
.note{fill:var(--text-muted)}
.failure>rect{stroke:var(--failure)}
.any-state rect{fill:none;stroke:var(--border);stroke-dasharray:4 3}
.arrow path{fill:none;stroke:var(--line);stroke-width:1.2}
.arrow.failure path{stroke:var(--failure)}
.arrowhead path{fill:var(--line)}
.arrowhead.failure path{fill:var(--failure)}
.initial{fill:var(--text)}
.label text{fill:var(--text-muted);paint-order:stroke;stroke:var(--background);stroke-width:4px;stroke-linejoin:round}
.label.failure text{fill:var(--failure)}
.state.active>rect{stroke:var(--active);stroke-width:2.4;fill:var(--active-group)}
.leaf.active>rect{fill:var(--active-leaf)}
.arrow.active path{stroke:var(--active);stroke-width:2.6}
`.replaceAll('\n', '')
