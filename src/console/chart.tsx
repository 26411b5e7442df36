import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'
import type { Client } from '../client/client.ts'
import type { Drawing, Marks } from './drawing.ts'
import { draw, mark, placeOf, size } from './drawing.ts'
import { said } from './fleet.ts'

interface Props {
  readonly client: Client
  readonly marks: Marks
  /** What the chart shows, in words. */
  readonly label: string
  /** `all`: as much of it as its names can be read in; `near`: so that all of its words can be read. */
  readonly view: 'all' | 'near'
}

/** Below this its names cannot be read: it is scrolled instead. */
const smallest = 0.6
const near = 0.9
const least = 0.15
const most = 3
const step = 1.25

/** The statechart of workspaces, with what is to be lit. It keeps the lit state in sight. */
export function Chart({ client, marks, label, view }: Props) {
  const [text, setText] = useState<{ svg: string } | { trouble: string } | null>(null)
  const [zoom, setZoom] = useState<number | null>(null)
  const frame = useRef<HTMLDivElement>(null)
  const host = useRef<HTMLDivElement>(null)
  const drawing = useRef<Drawing | null>(null)
  const svg = text && 'svg' in text ? text.svg : null

  useEffect(() => {
    void client.statechart('workspace').then(
      (read) => setText({ svg: read }),
      (error: unknown) => setText({ trouble: said(error) }),
    )
  }, [client])

  useLayoutEffect(() => {
    if (svg !== null && host.current) drawing.current = draw(host.current, svg)
  }, [svg])

  useLayoutEffect(() => {
    if (drawing.current) mark(drawing.current, marks)
  }, [svg, marks])

  const fitting = () => (frame.current?.clientWidth ?? 0) / (drawing.current?.width ?? 1)
  const scale = () => zoom ?? (view === 'near' ? near : Math.max(smallest, Math.min(1, fitting())))

  useLayoutEffect(() => {
    const shown = drawing.current
    if (!shown) return
    shown.svg.setAttribute('aria-label', label)
    size(shown, scale())
  }, [svg, zoom, label])

  useLayoutEffect(() => {
    const place = drawing.current && marks.state !== undefined && placeOf(drawing.current, marks.state)
    const around = frame.current
    if (!place || !around) return
    around.scrollTo({
      left: place.x * scale() - around.clientWidth / 2,
      top: place.y * scale() - around.clientHeight / 2,
    })
  }, [svg, zoom, marks.state])

  if (text && 'trouble' in text) return <p class="notice trouble">The chart cannot be shown. {text.trouble}</p>
  return (
    <div class="chart">
      <div class="chart-tools" role="group" aria-label="Size of the chart">
        <button
          type="button"
          class="quiet"
          onClick={() => setZoom(Math.max(least, scale() / step))}
          aria-label="Smaller"
        >
          −
        </button>
        <button type="button" class="quiet" onClick={() => setZoom(null)}>
          Reset
        </button>
        <button type="button" class="quiet" onClick={() => setZoom(Math.min(most, scale() * step))} aria-label="Larger">
          +
        </button>
      </div>
      <div class={`chart-frame ${view}`} ref={frame} tabIndex={0} role="region" aria-label="Statechart, scrolls">
        {svg === null && <p class="pending">Loading the chart…</p>}
        <div ref={host} />
      </div>
    </div>
  )
}
