import type { Operations } from '../client/client.ts'
import { spanText, timeText } from './moment.ts'
import { countdown } from './urgent.tsx'
import { useNow } from './use-fleet.ts'

interface Props {
  readonly operations: Operations | null
  readonly trouble: string | null
}

const meanings: Readonly<Record<string, string>> = {
  provisioner: 'goes on with what was cut off',
  janitor: 'expires, compares and forgets',
}

/** The provisioning queue, and what came of each sweep the last time. */
export function Sweeps({ operations, trouble }: Props) {
  const now = useNow()
  return (
    <section class="panel" aria-labelledby="sweeps">
      <h2 id="sweeps">Queue and sweeps</h2>
      {trouble !== null && (
        <p class="notice trouble" role="alert">
          What the service does by itself cannot be read. {trouble}
        </p>
      )}
      {operations === null && trouble === null && <p class="pending">Loading…</p>}
      {operations !== null && (
        <>
          <Queue {...operations.queue} />
          {operations.expiry_held_until !== undefined && (
            <p class="notice">
              The clock has jumped: nothing expires before {timeText(operations.expiry_held_until, now)}. Set the clock
              right if it is wrong.
            </p>
          )}
          {operations.unreadable > 0 && (
            <p class="notice trouble">
              {counted(operations.unreadable, 'workspace', 'workspaces')} cannot be read by this version; they are among
              the failures.
            </p>
          )}
          <ul class="sweeps">
            {operations.sweeps.map((sweep) => (
              <Sweep key={sweep.name} now={now} {...sweep} />
            ))}
          </ul>
        </>
      )}
    </section>
  )
}

function Queue({ queued, slots, working }: Operations['queue']) {
  return (
    <p class="queue">
      <span>
        <strong>{queued}</strong> in the queue
      </span>
      <span>
        <strong>{working}</strong> of {slots} slots in use
      </span>
      <progress max={slots} value={working} aria-label="Slots in use" />
    </p>
  )
}

function Sweep({ began_at, did, failed, name, next_at, now, took_ms }: Operations['sweeps'][number] & { now: number }) {
  const results = Object.entries(did).map(([what, many]) => `${many} ${what.replaceAll('_', ' ')}`)
  return (
    <li>
      <span class="between">
        <span>
          <strong>{name}</strong> <span class="soft">{meanings[name] ?? 'holds containers against workspaces'}</span>
        </span>
        {next_at !== undefined && <time dateTime={next_at}>next {countdown(next_at, now)}</time>}
      </span>
      <span class="soft">
        {began_at === undefined ? 'It has not run yet.' : `Last at ${timeText(began_at, now)}, ${lasting(took_ms)}`}
        {results.length > 0 && `: ${results.join(', ')}`}
      </span>
      {failed.map((what) => (
        <p key={what} class="reason bad">
          Did not succeed: {what}
        </p>
      ))}
    </li>
  )
}

function lasting(tookMs: number | undefined): string {
  return tookMs === undefined ? 'and is under way' : `took ${spanText(tookMs)}`
}

function counted(many: number, one: string, more: string): string {
  return `${many} ${many === 1 ? one : more}`
}
