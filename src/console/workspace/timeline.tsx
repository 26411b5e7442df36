import { useEffect, useRef } from 'preact/hooks'
import type { HistoryLine } from '../../client/client.ts'
import { formatDuration, formatTime } from '../time-format.ts'
import { useNow } from '../use-now.ts'

interface Props {
  readonly lines: readonly HistoryLine[]
  /** The transition that the chart shows. */
  readonly selectedIndex: number
  readonly isReplaying: boolean
  /** Called with the transition to show; `null` for the current state. */
  readonly onSelect: (index: number | null) => void
  /** No further transition can follow. */
  readonly isComplete: boolean
}

/** Every transition, oldest first: time, event, actor, and how long the state lasted. Selecting one shows the chart at that time. */
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
      <h2 id="timeline">History</h2>
      <div class="row" role="group" aria-label="Replay">
        <button
          type="button"
          aria-disabled={selectedIndex <= 0}
          onClick={() => selectedIndex > 0 && onSelect(selectedIndex - 1)}
        >
          ← Previous
        </button>
        <button
          type="button"
          aria-disabled={selectedIndex >= lines.length - 1}
          onClick={() => selectedIndex < lines.length - 1 && onSelect(selectedIndex + 1)}
        >
          Next →
        </button>
        <button type="button" aria-disabled={!isReplaying} onClick={() => onSelect(null)}>
          Current
        </button>
      </div>
      {lines.length === 0 && <p class="placeholder">Loading…</p>}
      <ol class="timeline" ref={listRef}>
        {lines.map(({ at: enteredAt, by, event, reason, seq, to, attempts }, index) => {
          const next = lines[index + 1]
          const endMs = next ? Date.parse(next.at) : now
          const duration = next || !isComplete ? formatDuration(endMs - Date.parse(enteredAt)) : null
          return (
            <li key={seq}>
              <button
                type="button"
                class="timeline-entry"
                aria-current={index === selectedIndex ? 'step' : undefined}
                onClick={() => onSelect(index)}
              >
                <span class="space-between">
                  <strong>{to}</strong>
                  <time dateTime={enteredAt}>{formatTime(enteredAt)}</time>
                </span>
                <span class="space-between muted">
                  <span>
                    {event} by {by}
                    {attempts !== undefined && `, ${attempts} failed ${attempts === 1 ? 'attempt' : 'attempts'}`}
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
