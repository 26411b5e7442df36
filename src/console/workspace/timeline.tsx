import { useEffect, useRef } from 'preact/hooks'
import type { HistoryLine } from '../../client/client.ts'
import { formatDuration, formatTime } from '../time-format.ts'
import { useNow } from '../fleet/use-fleet.ts'

interface Props {
  readonly lines: readonly HistoryLine[]
  /** The step that is shown. */
  readonly selectedIndex: number
  readonly isReplaying: boolean
  /** Shows a step; `null`: what is now. */
  readonly onSelect: (step: number | null) => void
  /** Nothing will come any more. */
  readonly isComplete: boolean
}

/** Every transition, oldest first: when, what, by whom, and how long it stayed. Each can be chosen to see the chart as it was then. */
export function Timeline({ lines, selectedIndex, isReplaying, onSelect, isComplete }: Props) {
  const now = useNow()
  const listRef = useRef<HTMLOListElement>(null)
  useEffect(() => {
    const selectedItem = listRef.current?.querySelector<HTMLElement>('[aria-current]')
    const listElement = listRef.current
    if (!selectedItem || !listElement) return
    const { offsetTop, offsetHeight } = selectedItem
    if (offsetTop < listElement.scrollTop) listElement.scrollTop = offsetTop
    else if (offsetTop + offsetHeight > listElement.scrollTop + listElement.clientHeight)
      listElement.scrollTop = offsetTop + offsetHeight - listElement.clientHeight
  }, [selectedIndex, lines.length])

  return (
    <section class="panel" aria-labelledby="timeline">
      <h2 id="timeline">What happened</h2>
      <div class="row" role="group" aria-label="Replay">
        <button
          type="button"
          aria-disabled={selectedIndex <= 0}
          onClick={() => selectedIndex > 0 && onSelect(selectedIndex - 1)}
        >
          ← Before
        </button>
        <button
          type="button"
          aria-disabled={selectedIndex >= lines.length - 1}
          onClick={() => selectedIndex < lines.length - 1 && onSelect(selectedIndex + 1)}
        >
          After →
        </button>
        <button type="button" aria-disabled={!isReplaying} onClick={() => onSelect(null)}>
          Now
        </button>
      </div>
      {lines.length === 0 && <p class="pending">Loading…</p>}
      <ol class="timeline" ref={listRef}>
        {lines.map(({ at: enteredAt, by, event, reason, seq, to, attempts }, index) => {
          const next = lines[index + 1]
          const endMs = next ? Date.parse(next.at) : now
          const duration = next || !isComplete ? formatDuration(endMs - Date.parse(enteredAt)) : null
          return (
            <li key={seq}>
              <button
                type="button"
                class="step"
                aria-current={index === selectedIndex ? 'step' : undefined}
                onClick={() => onSelect(index)}
              >
                <span class="between">
                  <strong>{to}</strong>
                  <time dateTime={enteredAt}>{formatTime(enteredAt)}</time>
                </span>
                <span class="between soft">
                  <span>
                    {event} by {by}
                    {attempts !== undefined && `, ${attempts} failed`}
                  </span>
                  {duration !== null && <span>{next ? `for ${duration}` : `since ${duration}`}</span>}
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
