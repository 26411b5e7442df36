import { useMemo, useState } from 'preact/hooks'
import type { Client, Workspace } from '../../client/client.ts'
import { ActionBar } from '../actions/action-bar.tsx'
import { StatechartView } from '../statechart/statechart-view.tsx'
import { countByState, filterWorkspaces, emptyFilter } from './workspace-filter.ts'
import type { WorkspaceFilter } from './workspace-filter.ts'
import { FilterBar } from './filter-bar.tsx'
import type { FleetStore } from './fleet-store.ts'
import { OperatorPanels } from '../operations/operator-panels.tsx'
import { ExpiringWorkspaces, FailedWorkspaces } from './alerts.tsx'
import { useFleet } from './use-fleet.ts'
import { WorkspaceTable } from './workspace-table.tsx'

interface Props {
  readonly client: Client
  readonly fleet: FleetStore
  readonly operator: boolean
}

const statuses = ['failed', 'creating', 'running', 'stopped', 'deleting'] as const

/** All workspaces: what is wrong first, then how many are where, then each of them. */
export function FleetPage({ client, fleet, operator }: Props) {
  const { workspaces, loaded, error } = useFleet(fleet)
  const [filter, setFilter] = useState<WorkspaceFilter>(emptyFilter)
  const [selectedIds, setSelectedIds] = useState<ReadonlySet<string>>(new Set())
  const counts = useMemo(() => countByState(workspaces), [workspaces])
  const highlights = useMemo(() => ({ counts }), [counts])
  const matches = useMemo(() => filterWorkspaces(workspaces, filter), [workspaces, filter])
  const selected = useMemo(() => workspaces.filter(({ id }) => selectedIds.has(id)), [workspaces, selectedIds])
  /** Chosen, and then filtered away: they are commanded all the same. */
  const hiddenCount = selected.length - matches.filter(({ id }) => selectedIds.has(id)).length
  const countOf = (path: string) => counts.get(path) ?? 0
  const queued = countOf('creating.queued') + countOf('stopped.starting.queued')

  return (
    <>
      <h1 class="hidden">Fleet</h1>
      {error !== null && (
        <div class="notice trouble" role="alert">
          <p>The workspaces cannot be read. {error}</p>
          <button type="button" onClick={fleet.reload}>
            Try again
          </button>
        </div>
      )}
      <ul class="tiles" aria-label="Workspaces by status">
        {statuses
          .filter((status) => operator || status !== 'deleting')
          .map((status) => (
            <li key={status}>
              <button
                type="button"
                class={`tile ${status}`}
                aria-pressed={filter.status === status}
                onClick={() => setFilter({ ...filter, status: filter.status === status ? '' : status })}
              >
                <strong>{loaded ? countOf(status) : '–'}</strong>
                <span>{status}</span>
                {status === 'creating' && queued > 0 && <small>{queued} in the queue</small>}
              </button>
            </li>
          ))}
      </ul>
      <div class="columns">
        <FailedWorkspaces
          workspaces={workspaces}
          loaded={loaded}
          onShowAll={() => setFilter({ ...emptyFilter, status: 'failed' })}
        />
        <ExpiringWorkspaces workspaces={workspaces} loaded={loaded} />
      </div>
      {operator && <OperatorPanels client={client} fleet={fleet} />}
      <section class="panel" aria-labelledby="table-title">
        <h2 id="table-title">Workspaces</h2>
        <FilterBar
          filter={filter}
          onChange={setFilter}
          workspaces={workspaces}
          operator={operator}
          matchCount={matches.length}
        />
        {selected.length > 0 && (
          <p class="row middle">
            {selected.length} chosen
            {hiddenCount > 0 && `, ${hiddenCount} of them not listed`}
            <button type="button" class="quiet" onClick={() => setSelectedIds(new Set())}>
              Choose none
            </button>
          </p>
        )}
        <ActionBar client={client} fleet={fleet} selected={selected} />
        {emptyMessage(workspaces, matches, loaded, error) ?? (
          <WorkspaceTable
            workspaces={matches}
            selectedIds={selectedIds}
            onSelect={setSelectedIds}
            operator={operator}
          />
        )}
      </section>
      <section class="panel" aria-labelledby="chart-title">
        <h2 id="chart-title">Where they are</h2>
        <StatechartView client={client} highlights={highlights} label={statechartLabel(counts)} view="all" />
      </section>
    </>
  )
}

function emptyMessage(all: readonly Workspace[], matches: readonly Workspace[], loaded: boolean, error: string | null) {
  if (matches.length > 0) return null
  if (!loaded) return <p class="pending">{error === null ? 'Loading the workspaces…' : 'Nothing could be loaded.'}</p>
  if (all.length > 0) return <p class="pending">None of {all.length} matches. Take a filter away.</p>
  return (
    <div class="pending">
      <p>There is no workspace yet.</p>
      <p>
        Make one with <code>POST /api/v1/workspaces</code>; it appears here by itself. The page at{' '}
        <a href="../docs">/docs</a> has a form for it.
      </p>
    </div>
  )
}

function statechartLabel(counts: ReadonlyMap<string, number>): string {
  const parts = [...counts].map(([state, count]) => `${count} ${state}`)
  return `Statechart of workspaces. ${parts.length > 0 ? parts.join(', ') : 'None is in any state'}.`
}
