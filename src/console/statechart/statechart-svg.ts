// The service's SVG of the statechart inside a shadow root, so that its styles and those of the page do not affect each other.

/** What the chart highlights. */
export interface StatechartHighlights {
  /** The current state, as a dotted path. */
  readonly state?: string
  /** The transitions up to the current state, oldest first. */
  readonly path?: readonly { readonly from: string | null; readonly to: string }[]
  /** The number of workspaces in each state. */
  readonly counts?: ReadonlyMap<string, number>
}

export interface StatechartSvg {
  readonly svg: SVGSVGElement
  readonly width: number
  readonly height: number
}

/** Below this scale the small text is illegible. */
const minDetailScale = 0.78

const svgNamespace = 'http://www.w3.org/2000/svg'

const overrideStyles = `
:host{display:block}
svg{display:block}
.name{font-size:15px}
.state.visited>rect{stroke:var(--active);stroke-width:1.6}
.state.occupied>rect{stroke:var(--effect);stroke-width:2}
.arrow.latest path{stroke-width:3.4}
.arrowhead path,.arrowhead.failure path{fill:context-stroke}
.zoomed-out .label,.zoomed-out .text .note,.zoomed-out .effect{display:none}
.zoomed-out .name,.zoomed-out .any-state .note{font-size:16px}
.zoomed-out .text:not(.compound) .name{transform:translateY(2px)}
.zoomed-out .text:not(.compound):has(.effect,.note) .name{transform:translateY(9px)}
.count rect{fill:var(--effect);stroke:var(--background);stroke-width:2}
.count.failure rect{fill:var(--failure)}
.count text{font-size:16px;font-weight:700;fill:var(--background)}
`

/** Renders SVG text into `host`. Returns `null` if the text is not an SVG. */
export function renderStatechart(host: HTMLElement, source: string): StatechartSvg | null {
  const sheets: CSSStyleSheet[] = []
  // The content security policy forbids inline styles, even in a parsed document that is never shown.
  const unstyledSource = source.replaceAll(/<style>([^<]*)<\/style>/g, (_, style: string) => {
    const sheet = new CSSStyleSheet()
    sheet.replaceSync(style)
    sheets.push(sheet)
    return ''
  })
  const svg = document.importNode(
    new DOMParser().parseFromString(unstyledSource, 'image/svg+xml').documentElement,
    true,
  )
  if (!(svg instanceof SVGSVGElement)) return null
  const overrideSheet = new CSSStyleSheet()
  overrideSheet.replaceSync(overrideStyles)
  const root = host.shadowRoot ?? host.attachShadow({ mode: 'open' })
  root.adoptedStyleSheets = [...sheets, overrideSheet]
  root.replaceChildren(svg)
  const { width, height } = svg.viewBox.baseVal
  return { svg, width, height }
}

/** Scales the chart. At a small scale it leaves out the illegible small text and enlarges the names. */
export function scaleStatechart({ svg, width, height }: StatechartSvg, scale: number): void {
  svg.setAttribute('width', String(Math.floor(width * scale)))
  svg.setAttribute('height', String(Math.floor(height * scale)))
  svg.classList.toggle('zoomed-out', scale < minDetailScale)
}

/** Applies the highlights, and removes the previous ones. */
export function highlightStatechart({ svg }: StatechartSvg, { state, path = [], counts }: StatechartHighlights): void {
  for (const highlighted of svg.querySelectorAll('.active, .visited, .latest, .occupied'))
    highlighted.classList.remove('active', 'visited', 'latest', 'occupied')
  for (const count of svg.querySelectorAll('.count')) count.remove()
  for (const { to } of path) groupById(svg, `state-${to}`)?.classList.add('visited')
  const arrows = [...svg.querySelectorAll<SVGGElement>('g[id^="arrow-"]')]
  for (const [index, { from, to }] of path.entries()) {
    const arrow = from === null ? undefined : arrowBetween(arrows, from, to)
    arrow?.classList.add('active')
    if (index === path.length - 1) arrow?.classList.add('latest')
  }
  for (const ancestor of state === undefined ? [] : selfAndAncestors(state))
    groupById(svg, `state-${ancestor}`)?.classList.add('active')
  for (const [countedState, count] of counts ?? []) {
    const box = groupById(svg, `state-${countedState}`)
    box?.classList.add('occupied')
    if (box) svg.append(countBadge(box, count))
  }
}

/** The centre of a state, in the units of the chart. */
export function statePosition(
  { svg }: StatechartSvg,
  state: string,
): { readonly x: number; readonly y: number } | null {
  const rect = groupById(svg, `state-${state}`)?.querySelector('rect')
  if (!rect) return null
  const [x, y, width, height] = rectBounds(rect)
  return { x: x + width / 2, y: y + height / 2 }
}

function groupById(svg: SVGSVGElement, id: string): SVGGElement | null {
  return svg.querySelector<SVGGElement>(`g[id="${CSS.escape(id)}"]`)
}

/** A state and its ancestors, innermost first. */
function selfAndAncestors(state: string): string[] {
  const parts = state.split('.')
  return parts.map((_, index) => parts.slice(0, parts.length - index).join('.'))
}

/** Finds the arrow of a transition. It may begin at an ancestor of `from` and end at an ancestor of `to`; the innermost wins. */
function arrowBetween(arrows: readonly SVGGElement[], from: string, to: string): SVGGElement | undefined {
  for (const source of [...selfAndAncestors(from), 'any'])
    for (const target of selfAndAncestors(to)) {
      const match = arrows.find(({ id }) => id === `arrow-${source}-${target}`)
      if (match) return match
    }
  return undefined
}

function countBadge(box: SVGGElement, count: number): SVGGElement {
  const [x, y, width] = rectBounds(box.querySelector('rect'))
  const text = count.toLocaleString('en').replaceAll(',', ' ')
  const badgeWidth = 16 + text.length * 10
  const badge = createSvgElement('g', { class: box.classList.contains('failure') ? 'count failure' : 'count' })
  const position = { x: x + width - 7, y: y - 19 } // next to the corner, since the text fills the width of the box
  badge.append(createSvgElement('rect', { ...position, width: badgeWidth, height: 26, rx: 13 }))
  const label = createSvgElement('text', {
    x: position.x + badgeWidth / 2,
    y: position.y + 19,
    'text-anchor': 'middle',
  })
  label.textContent = text
  badge.append(label)
  return badge
}

function createSvgElement<Name extends 'g' | 'rect' | 'text'>(
  name: Name,
  attributes: Readonly<Record<string, string | number>>,
): SVGElementTagNameMap[Name] {
  const created = document.createElementNS(svgNamespace, name)
  for (const [key, value] of Object.entries(attributes)) created.setAttribute(key, String(value))
  return created
}

function rectBounds(rect: SVGRectElement | null): [x: number, y: number, width: number, height: number] {
  const attribute = (name: string) => Number(rect?.getAttribute(name) ?? 0)
  return [attribute('x'), attribute('y'), attribute('width'), attribute('height')]
}
