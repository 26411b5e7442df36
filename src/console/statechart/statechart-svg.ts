// The statechart as the service draws it, inside a shadow root: its style is its own, and neither leaks into the page nor the page into it.

/** What is lit in a chart. */
export interface StatechartHighlights {
  /** The present state, as a dotted path. */
  readonly state?: string
  /** The transitions that led there, oldest first. */
  readonly path?: readonly { readonly from: string | null; readonly to: string }[]
  /** How many are in each state. */
  readonly counts?: ReadonlyMap<string, number>
}

export interface StatechartSvg {
  readonly svg: SVGSVGElement
  readonly width: number
  readonly height: number
}

/** Below this scale the small words cannot be read. */
const minDetailScale = 0.78

const svgNamespace = 'http://www.w3.org/2000/svg'

const overrideStyles = `
:host{display:block}
svg{display:block}
.name{font-size:15px}
.state.been>rect{stroke:var(--lit);stroke-width:1.6}
.state.busy>rect{stroke:var(--effect);stroke-width:2}
.arrow.now path{stroke-width:3.4}
.tip path,.tip.trouble path{fill:context-stroke}
.far .label,.far .words .note,.far .effect{display:none}
.far .name,.far .anywhere .note{font-size:16px}
.far .words:not(.compound) .name{transform:translateY(2px)}
.far .words:not(.compound):has(.effect,.note) .name{transform:translateY(9px)}
.count rect{fill:var(--effect);stroke:var(--paper);stroke-width:2}
.count.bad rect{fill:var(--bad)}
.count text{font-size:16px;font-weight:700;fill:var(--paper)}
`

/** Puts the SVG text into `host`. */
export function renderStatechart(host: HTMLElement, source: string): StatechartSvg | null {
  const sheets: CSSStyleSheet[] = []
  // The page's policy allows no style in markup, and a parser applies it even to what is never shown.
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

/** Draws it at a scale. From afar the small words could not be read and are left out, and the names are larger. */
export function scaleStatechart({ svg, width, height }: StatechartSvg, scale: number): void {
  svg.setAttribute('width', String(Math.floor(width * scale)))
  svg.setAttribute('height', String(Math.floor(height * scale)))
  svg.classList.toggle('far', scale < minDetailScale)
}

/** Lights what is to be lit, and nothing that was lit before. */
export function highlightStatechart({ svg }: StatechartSvg, { state, path = [], counts }: StatechartHighlights): void {
  for (const highlighted of svg.querySelectorAll('.lit, .been, .now, .busy'))
    highlighted.classList.remove('lit', 'been', 'now', 'busy')
  for (const count of svg.querySelectorAll('.count')) count.remove()
  for (const { to } of path) groupById(svg, `state-${to}`)?.classList.add('been')
  const arrows = [...svg.querySelectorAll<SVGGElement>('g[id^="arrow-"]')]
  for (const [index, { from, to }] of path.entries()) {
    const arrow = from === null ? undefined : arrowBetween(arrows, from, to)
    arrow?.classList.add('lit')
    if (index === path.length - 1) arrow?.classList.add('now')
  }
  for (const ancestor of state === undefined ? [] : selfAndAncestors(state))
    groupById(svg, `state-${ancestor}`)?.classList.add('lit')
  for (const [countedState, count] of counts ?? []) {
    const box = groupById(svg, `state-${countedState}`)
    box?.classList.add('busy')
    if (box) svg.append(countBadge(box, count))
  }
}

/** The place of a state in the chart's own measure. */
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

/** A state and those that it lies in, itself first. */
function selfAndAncestors(state: string): string[] {
  const parts = state.split('.')
  return parts.map((_, index) => parts.slice(0, parts.length - index).join('.'))
}

/** An arrow may begin at a state that `from` lies in, and end at one that `to` is entered through: the nearest is meant. */
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
  const badge = createSvgElement('g', { class: box.classList.contains('trouble') ? 'count bad' : 'count' })
  const position = { x: x + width - 7, y: y - 19 } // beside the corner: the box's words fill its width
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
