import { useMemo } from 'preact/hooks'
import type { Workspace } from '../../client/client.ts'
import { countdown } from '../time-format.ts'
import { useNow } from '../use-now.ts'

interface Props {
  readonly workspaces: readonly Workspace[]
  readonly loaded: boolean
}

const maxListed = 5

/** The first failed workspaces, each with its reason. */
export function FailedWorkspaces({ workspaces, loaded, onShowAll }: Props & { readonly onShowAll: () => void }) {
  const failed = useMemo(() => workspaces.filter(({ status }) => status === 'failed'), [workspaces])
  return (
    <section class="panel" aria-labelledby="failures">
      <h2 id="failures">Failures</h2>
      {failed.length === 0 && <p class="placeholder">{loaded ? 'No failed workspaces.' : 'Loading…'}</p>}
      <ul class="alert-list">
        {failed.slice(0, maxListed).map(({ id, name, owner, error_message }) => (
          <li key={id}>
            <a href={`#/workspaces/${id}`}>{name}</a> <span class="muted">{owner}</span>
            <p class="reason">{error_message ?? 'No reason was given.'}</p>
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

/** The workspaces that expire next, each with a countdown. */
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
      <h2 id="expiring">Expiring next</h2>
      {upcoming.length === 0 && <p class="placeholder">{loaded ? 'No workspace expires.' : 'Loading…'}</p>}
      <ul class="alert-list">
        {upcoming.map(({ id, name, owner, expires_at }) => (
          <li key={id} class="space-between">
            <span>
              <a href={`#/workspaces/${id}`}>{name}</a> <span class="muted">{owner}</span>
            </span>
            <time dateTime={expires_at}>{countdown(expires_at, now)}</time>
          </li>
        ))}
      </ul>
    </section>
  )
}
