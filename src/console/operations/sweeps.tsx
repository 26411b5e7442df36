import type { OperationsResponse } from '../../client/client.ts'
import { formatDuration, formatTime } from '../time-format.ts'
import { countdown } from '../fleet/alerts.tsx'
import { useNow } from '../fleet/use-fleet.ts'

interface Props {
  readonly operations: OperationsResponse | null
  readonly error: string | null
}

const sweepDescriptions: Readonly<Record<string, string>> = {
  provisioner: 'goes on with what was cut off',
  janitor: 'expires, compares and forgets',
}

/** The provisioning queue, and what came of each sweep the last time. */
export function SweepsPanel({ operations, error }: Props) {
  const now = useNow()
  return (
    <section class="panel" aria-labelledby="sweeps">
      <h2 id="sweeps">Queue and sweeps</h2>
      {error !== null && (
        <p class="notice trouble" role="alert">
          What the service does by itself cannot be read. {error}
        </p>
      )}
      {operations === null && error === null && <p class="pending">Loading…</p>}
      {operations !== null && (
        <>
          <ProvisioningQueue {...operations.queue} />
          {operations.expiry_held_until !== undefined && (
            <p class="notice">
              The clock has jumped: nothing expires before {formatTime(operations.expiry_held_until, now)}. Set the
              clock right if it is wrong.
            </p>
          )}
          {operations.unreadable > 0 && (
            <p class="notice trouble">
              {countPhrase(operations.unreadable, 'workspace', 'workspaces')} cannot be read by this version; they are
              among the failures.
            </p>
          )}
          <ul class="sweeps">
            {operations.sweeps.map((sweep) => (
              <SweepRow key={sweep.name} now={now} {...sweep} />
            ))}
          </ul>
        </>
      )}
    </section>
  )
}

function ProvisioningQueue({ queued, slots, working }: OperationsResponse['queue']) {
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

function SweepRow({
  began_at,
  did,
  failed,
  name,
  next_at,
  now,
  took_ms,
}: OperationsResponse['sweeps'][number] & { now: number }) {
  const results = Object.entries(did).map(([outcome, count]) => `${count} ${outcome.replaceAll('_', ' ')}`)
  return (
    <li>
      <span class="between">
        <span>
          <strong>{name}</strong>{' '}
          <span class="soft">{sweepDescriptions[name] ?? 'holds containers against workspaces'}</span>
        </span>
        {next_at !== undefined && <time dateTime={next_at}>next {countdown(next_at, now)}</time>}
      </span>
      <span class="soft">
        {began_at === undefined
          ? 'It has not run yet.'
          : `Last at ${formatTime(began_at, now)}, ${durationPhrase(took_ms)}`}
        {results.length > 0 && `: ${results.join(', ')}`}
      </span>
      {failed.map((failure) => (
        <p key={failure} class="reason bad">
          Did not succeed: {failure}
        </p>
      ))}
    </li>
  )
}

function durationPhrase(tookMs: number | undefined): string {
  return tookMs === undefined ? 'and is under way' : `took ${formatDuration(tookMs)}`
}

function countPhrase(count: number, singular: string, plural: string): string {
  return `${count} ${count === 1 ? singular : plural}`
}
