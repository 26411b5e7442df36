import { useEffect, useRef } from 'preact/hooks'
import type { HistoryLine } from '../client/client.ts'
import { spanText, timeText } from './moment.ts'
import { useNow } from './use-fleet.ts'

interface Props {
  readonly lines: readonly HistoryLine[]
  /** The step that is shown. */
  readonly at: number
  readonly replaying: boolean
  /** Shows a step; `null`: what is now. */
  readonly choose: (step: number | null) => void
  /** Nothing will come any more. */
  readonly over: boolean
}

/** Every transition, oldest first: when, what, by whom, and how long it stayed. Each can be chosen to see the chart as it was then. */
export function Timeline({ lines, at, replaying, choose, over }: Props) {
  const now = useNow()
  const list = useRef<HTMLOListElement>(null)
  useEffect(() => {
    const shown = list.current?.querySelector<HTMLElement>('[aria-current]')
    const view = list.current
    if (!shown || !view) return
    const { offsetTop, offsetHeight } = shown
    if (offsetTop < view.scrollTop) view.scrollTop = offsetTop
    else if (offsetTop + offsetHeight > view.scrollTop + view.clientHeight)
      view.scrollTop = offsetTop + offsetHeight - view.clientHeight
  }, [at, lines.length])

  return (
    <section class="panel" aria-labelledby="timeline">
      <h2 id="timeline">What happened</h2>
      <div class="row" role="group" aria-label="Replay">
        <button type="button" aria-disabled={at <= 0} onClick={() => at > 0 && choose(at - 1)}>
          ← Before
        </button>
        <button
          type="button"
          aria-disabled={at >= lines.length - 1}
          onClick={() => at < lines.length - 1 && choose(at + 1)}
        >
          After →
        </button>
        <button type="button" aria-disabled={!replaying} onClick={() => choose(null)}>
          Now
        </button>
      </div>
      {lines.length === 0 && <p class="pending">Loading…</p>}
      <ol class="timeline" ref={list}>
        {lines.map(({ at: when, by, event, reason, seq, to, tries }, index) => {
          const next = lines[index + 1]
          const until = next ? Date.parse(next.at) : now
          const stayed = next || !over ? spanText(until - Date.parse(when)) : null
          return (
            <li key={seq}>
              <button
                type="button"
                class="step"
                aria-current={index === at ? 'step' : undefined}
                onClick={() => choose(index)}
              >
                <span class="between">
                  <strong>{to}</strong>
                  <time dateTime={when}>{timeText(when)}</time>
                </span>
                <span class="between soft">
                  <span>
                    {event} by {by}
                    {tries !== undefined && `, ${tries} failed`}
                  </span>
                  {stayed !== null && <span>{next ? `for ${stayed}` : `since ${stayed}`}</span>}
                </span>
                {reason !== undefined && <span class="reason">{reason}</span>}
              </button>
            </li>
          )
        })}
      </ol>
    </section>
  )
}
