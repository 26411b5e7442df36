import type { OperationsResponse } from '../../client/client.ts'
import { countdown, formatDuration, formatTime } from '../time-format.ts'
import { useNow } from '../use-now.ts'

interface Props {
  readonly operations: OperationsResponse | null
  readonly error: string | null
}

const sweepDescriptions: Readonly<Record<string, string>> = {
  provisioner: 'resumes interrupted provisioning',
  janitor: 'expires, reconciles and prunes',
}

/** The provisioning queue, and the result of each sweep's last run. */
export function SweepsPanel({ operations, error }: Props) {
  const now = useNow()
  return (
    <section class="panel" aria-labelledby="sweeps">
      <h2 id="sweeps">Queue and sweeps</h2>
      {error !== null && (
        <p class="notice error" role="alert">
          The operations of the service cannot be loaded. {error}
        </p>
      )}
      {operations === null && error === null && <p class="placeholder">Loading…</p>}
      {operations !== null && (
        <>
          <ProvisioningQueue {...operations.queue} />
          {operations.expiry_held_until !== undefined && (
            <p class="notice">
              The clock jumped, so nothing expires before {formatTime(operations.expiry_held_until, now)}. Correct the
              clock if it is wrong.
            </p>
          )}
          {operations.unreadable > 0 && (
            <p class="notice error">
              {operations.unreadable === 1 ? '1 workspace is' : `${operations.unreadable} workspaces are`} quarantined:
              this version cannot read the stored snapshot. See Failures.
            </p>
          )}
          <ul class="sweeps">
            {operations.sweeps.map((sweep) => (
              <SweepItem key={sweep.name} now={now} {...sweep} />
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
        <strong>{queued}</strong> queued
      </span>
      <span>
        <strong>{working}</strong> of {slots} slots in use
      </span>
      <progress max={slots} value={working} aria-label="Slots in use" />
    </p>
  )
}

function SweepItem({
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
      <span class="space-between">
        <span>
          <strong>{name}</strong> <span class="muted">{sweepDescriptions[name] ?? 'reconciles containers'}</span>
        </span>
        {next_at !== undefined && <time dateTime={next_at}>next {countdown(next_at, now)}</time>}
      </span>
      <span class="muted">
        {began_at === undefined
          ? 'Has not run yet.'
          : `Last run at ${formatTime(began_at, now)}, ${took_ms === undefined ? 'in progress' : `took ${formatDuration(took_ms)}`}`}
        {results.length > 0 && `: ${results.join(', ')}`}
      </span>
      {failed.map((failure) => (
        <p key={failure} class="reason error-text">
          Failed: {failure}
        </p>
      ))}
    </li>
  )
}
