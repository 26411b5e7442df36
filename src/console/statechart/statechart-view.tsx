import type { RefObject } from 'preact'
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'
import type { Client } from '../../client/client.ts'
import { errorText } from '../error-text.ts'
import type { StatechartHighlights, StatechartSvg } from './statechart-svg.ts'
import { highlightStatechart, renderStatechart, scaleStatechart, statePosition } from './statechart-svg.ts'

interface Props {
  readonly client: Client
  readonly highlights: StatechartHighlights
  /** Describes the chart to screen readers. */
  readonly label: string
  /** `overview` fits the chart into the viewport; `detail` keeps all of its text legible. */
  readonly view: 'overview' | 'detail'
}

/** The overview scrolls below this scale, since the names become illegible. */
const minFitScale = 0.6
const detailScale = 0.9
const minScale = 0.15
const maxScale = 3
const zoomFactor = 1.25

/** The statechart of workspaces with highlights. The highlighted state stays in view. */
export function StatechartView({ client, highlights, label, view }: Props) {
  const { svg, error } = useStatechartSource(client)
  const [zoom, setZoom] = useState<number | null>(null)
  const viewportRef = useRef<HTMLDivElement>(null)
  const hostRef = useRef<HTMLDivElement>(null)
  const statechart = useRenderedStatechart(hostRef, svg)

  useLayoutEffect(() => {
    if (statechart.current) highlightStatechart(statechart.current, highlights)
  }, [svg, highlights])

  const fittingScale = () => (viewportRef.current?.clientWidth ?? 0) / (statechart.current?.width ?? 1)
  const scale = () => zoom ?? (view === 'detail' ? detailScale : Math.max(minFitScale, Math.min(1, fittingScale())))

  useLayoutEffect(() => {
    const current = statechart.current
    if (!current) return
    current.svg.setAttribute('aria-label', label)
    scaleStatechart(current, scale())
  }, [svg, zoom, label])

  useLayoutEffect(() => {
    const position =
      statechart.current && highlights.state !== undefined && statePosition(statechart.current, highlights.state)
    const viewport = viewportRef.current
    if (!position || !viewport) return
    viewport.scrollTo({
      left: position.x * scale() - viewport.clientWidth / 2,
      top: position.y * scale() - viewport.clientHeight / 2,
    })
  }, [svg, zoom, highlights.state])

  if (error !== null) return <p class="notice error">The statechart cannot be loaded. {error}</p>
  return (
    <div class="statechart">
      <div class="statechart-toolbar" role="group" aria-label="Zoom">
        <button
          type="button"
          class="secondary"
          onClick={() => setZoom(Math.max(minScale, scale() / zoomFactor))}
          aria-label="Zoom out"
        >
          −
        </button>
        <button type="button" class="secondary" onClick={() => setZoom(null)}>
          Reset
        </button>
        <button
          type="button"
          class="secondary"
          onClick={() => setZoom(Math.min(maxScale, scale() * zoomFactor))}
          aria-label="Zoom in"
        >
          +
        </button>
      </div>
      <div
        class={`statechart-viewport ${view}`}
        ref={viewportRef}
        tabIndex={0}
        role="region"
        aria-label="Statechart, scrollable"
      >
        {svg === null && <p class="placeholder">Loading the statechart…</p>}
        <div ref={hostRef} />
      </div>
    </div>
  )
}

function useStatechartSource(client: Client): { readonly svg: string | null; readonly error: string | null } {
  const [source, setSource] = useState<{ svg: string | null; error: string | null }>({ svg: null, error: null })
  useEffect(() => {
    void client.statechart('workspace').then(
      (svg) => setSource({ svg, error: null }),
      (error: unknown) => setSource({ svg: null, error: errorText(error) }),
    )
  }, [client])
  return source
}

function useRenderedStatechart(hostRef: RefObject<HTMLElement | null>, svg: string | null) {
  const statechart = useRef<StatechartSvg | null>(null)
  useLayoutEffect(() => {
    if (svg !== null && hostRef.current) statechart.current = renderStatechart(hostRef.current, svg)
  }, [svg])
  return statechart
}
