import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'
import type { Client } from '../../client/client.ts'
import type { StatechartSvg, StatechartHighlights } from './statechart-svg.ts'
import { renderStatechart, highlightStatechart, statePosition, scaleStatechart } from './statechart-svg.ts'
import { errorText } from '../fleet/fleet-store.ts'

interface Props {
  readonly client: Client
  readonly highlights: StatechartHighlights
  /** What the chart shows, in words. */
  readonly label: string
  /** `all`: as much of it as its names can be read in; `near`: so that all of its words can be read. */
  readonly view: 'all' | 'near'
}

/** Below this its names cannot be read: it is scrolled instead. */
const minFitScale = 0.6
const nearScale = 0.9
const minScale = 0.15
const maxScale = 3
const zoomFactor = 1.25

/** The statechart of workspaces, with what is to be lit. It keeps the lit state in sight. */
export function StatechartView({ client, highlights, label, view }: Props) {
  const [result, setResult] = useState<{ svg: string } | { error: string } | null>(null)
  const [zoom, setZoom] = useState<number | null>(null)
  const frameRef = useRef<HTMLDivElement>(null)
  const hostRef = useRef<HTMLDivElement>(null)
  const statechart = useRef<StatechartSvg | null>(null)
  const svg = result && 'svg' in result ? result.svg : null

  useEffect(() => {
    void client.statechart('workspace').then(
      (source) => setResult({ svg: source }),
      (error: unknown) => setResult({ error: errorText(error) }),
    )
  }, [client])

  useLayoutEffect(() => {
    if (svg !== null && hostRef.current) statechart.current = renderStatechart(hostRef.current, svg)
  }, [svg])

  useLayoutEffect(() => {
    if (statechart.current) highlightStatechart(statechart.current, highlights)
  }, [svg, highlights])

  const fittingScale = () => (frameRef.current?.clientWidth ?? 0) / (statechart.current?.width ?? 1)
  const scale = () => zoom ?? (view === 'near' ? nearScale : Math.max(minFitScale, Math.min(1, fittingScale())))

  useLayoutEffect(() => {
    const current = statechart.current
    if (!current) return
    current.svg.setAttribute('aria-label', label)
    scaleStatechart(current, scale())
  }, [svg, zoom, label])

  useLayoutEffect(() => {
    const position =
      statechart.current && highlights.state !== undefined && statePosition(statechart.current, highlights.state)
    const viewport = frameRef.current
    if (!position || !viewport) return
    viewport.scrollTo({
      left: position.x * scale() - viewport.clientWidth / 2,
      top: position.y * scale() - viewport.clientHeight / 2,
    })
  }, [svg, zoom, highlights.state])

  if (result && 'error' in result) return <p class="notice trouble">The chart cannot be shown. {result.error}</p>
  return (
    <div class="chart">
      <div class="chart-tools" role="group" aria-label="Size of the chart">
        <button
          type="button"
          class="quiet"
          onClick={() => setZoom(Math.max(minScale, scale() / zoomFactor))}
          aria-label="Smaller"
        >
          −
        </button>
        <button type="button" class="quiet" onClick={() => setZoom(null)}>
          Reset
        </button>
        <button
          type="button"
          class="quiet"
          onClick={() => setZoom(Math.min(maxScale, scale() * zoomFactor))}
          aria-label="Larger"
        >
          +
        </button>
      </div>
      <div class={`chart-frame ${view}`} ref={frameRef} tabIndex={0} role="region" aria-label="Statechart, scrolls">
        {svg === null && <p class="pending">Loading the chart…</p>}
        <div ref={hostRef} />
      </div>
    </div>
  )
}
