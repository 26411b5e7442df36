import { useMemo } from 'preact/hooks'
import type { Workspace } from '../../client/client.ts'
import { msUntil, formatDuration } from '../time-format.ts'
import { useNow } from './use-fleet.ts'

interface Props {
  readonly workspaces: readonly Workspace[]
  readonly loaded: boolean
}

const maxListed = 5

/** Failed ones, each with its reason. */
export function FailedWorkspaces({ workspaces, loaded, onShowAll }: Props & { readonly onShowAll: () => void }) {
  const failed = useMemo(() => workspaces.filter(({ status }) => status === 'failed'), [workspaces])
  return (
    <section class="panel" aria-labelledby="failures">
      <h2 id="failures">Failures</h2>
      {failed.length === 0 && <p class="pending">{loaded ? 'None has failed.' : 'Loading…'}</p>}
      <ul class="urgent">
        {failed.slice(0, maxListed).map(({ id, name, owner, error_message }) => (
          <li key={id}>
            <a href={`#/workspaces/${id}`}>{name}</a> <span class="soft">of {owner}</span>
            <p class="reason">{error_message ?? 'It gave no reason.'}</p>
          </li>
        ))}
      </ul>
      {failed.length > maxListed && (
        <button type="button" onClick={onShowAll}>
          Show all {failed.length} in the table
        </button>
      )}
    </section>
  )
}

/** Those that expire next, counted down. */
export function ExpiringWorkspaces({ workspaces, loaded }: Props) {
  const now = useNow()
  const upcoming = useMemo(
    () =>
      workspaces
        .flatMap(({ id, name, owner, expires_at }) =>
          expires_at === undefined ? [] : [{ id, name, owner, expires_at }],
        )
        .sort((a, b) => (a.expires_at < b.expires_at ? -1 : 1))
        .slice(0, maxListed),
    [workspaces],
  )
  return (
    <section class="panel" aria-labelledby="expiring">
      <h2 id="expiring">Expires next</h2>
      {upcoming.length === 0 && <p class="pending">{loaded ? 'None expires.' : 'Loading…'}</p>}
      <ul class="urgent">
        {upcoming.map(({ id, name, owner, expires_at }) => (
          <li key={id} class="between">
            <span>
              <a href={`#/workspaces/${id}`}>{name}</a> <span class="soft">of {owner}</span>
            </span>
            <time dateTime={expires_at}>{countdown(expires_at, now)}</time>
          </li>
        ))}
      </ul>
    </section>
  )
}

/** What is left until a time. */
export function countdown(iso: string, now: number): string {
  const msLeft = msUntil(iso, now)
  return msLeft > 0 ? `in ${formatDuration(Math.max(1000, msLeft))}` : 'now'
}
