import { useMemo, useState } from 'preact/hooks'
import type { Client } from '../../client/client.ts'
import { ActionBar } from '../actions/action-bar.tsx'
import { OperatorPanels } from '../operations/operator-panels.tsx'
import { StatechartView } from '../statechart/statechart-view.tsx'
import { ExpiringWorkspaces, FailedWorkspaces } from './alerts.tsx'
import { FilterBar } from './filter-bar.tsx'
import type { FleetStore } from './fleet-store.ts'
import { statusOrder } from './fleet-store.ts'
import { useFleet } from './use-fleet.ts'
import type { WorkspaceFilter } from './workspace-filter.ts'
import { countByState, emptyFilter, filterWorkspaces } from './workspace-filter.ts'
import { WorkspaceTable } from './workspace-table.tsx'

interface Props {
  readonly client: Client
  readonly fleet: FleetStore
  readonly operator: boolean
}

/** All workspaces: the failures first, then the number in each status, the table and the statechart. */
export function FleetPage({ client, fleet, operator }: Props) {
  const { workspaces, loaded, error } = useFleet(fleet)
  const [filter, setFilter] = useState<WorkspaceFilter>(emptyFilter)
  const counts = useMemo(() => countByState(workspaces), [workspaces])
  const highlights = useMemo(() => ({ counts }), [counts])
  return (
    <>
      <h1 class="visually-hidden">Fleet</h1>
      {error !== null && (
        <div class="notice error" role="alert">
          <p>The workspaces cannot be loaded. {error}</p>
          <button type="button" onClick={fleet.reload}>
            Try again
          </button>
        </div>
      )}
      <StatusTiles
        counts={loaded ? counts : null}
        operator={operator}
        selectedStatus={filter.status}
        onSelect={(status) => setFilter({ ...filter, status })}
      />
      <div class="columns">
        <FailedWorkspaces
          workspaces={workspaces}
          loaded={loaded}
          onShowAll={() => setFilter({ ...emptyFilter, status: 'failed' })}
        />
        <ExpiringWorkspaces workspaces={workspaces} loaded={loaded} />
      </div>
      {operator && <OperatorPanels client={client} fleet={fleet} />}
      <WorkspacesPanel client={client} fleet={fleet} operator={operator} filter={filter} onFilter={setFilter} />
      <section class="panel" aria-labelledby="statechart-title">
        <h2 id="statechart-title">Workspaces by state</h2>
        <StatechartView client={client} highlights={highlights} label={statechartLabel(counts)} view="overview" />
      </section>
    </>
  )
}

interface StatusTilesProps {
  /** The number of workspaces in each state; `null` while they load. */
  readonly counts: ReadonlyMap<string, number> | null
  readonly operator: boolean
  readonly selectedStatus: string
  /** Called with the status to filter by; `''` for every status. */
  readonly onSelect: (status: string) => void
}

function StatusTiles({ counts, operator, selectedStatus, onSelect }: StatusTilesProps) {
  const queuedStates = [...(counts ?? [])].filter(([state]) => state.endsWith('.queued'))
  const queued = queuedStates.reduce((sum, [, count]) => sum + count, 0)
  return (
    <ul class="status-tiles" aria-label="Workspaces by status">
      {statusOrder
        .filter((status) => operator || status !== 'deleting')
        .map((status) => (
          <li key={status}>
            <button
              type="button"
              class={`status-tile ${status}`}
              aria-pressed={selectedStatus === status}
              onClick={() => onSelect(selectedStatus === status ? '' : status)}
            >
              <strong>{counts === null ? '–' : (counts.get(status) ?? 0)}</strong>
              <span>{status}</span>
              {status === 'creating' && queued > 0 && <small>{queued} queued</small>}
            </button>
          </li>
        ))}
    </ul>
  )
}

interface WorkspacesPanelProps extends Props {
  readonly filter: WorkspaceFilter
  readonly onFilter: (filter: WorkspaceFilter) => void
}

/** The table with its filter, and the actions for the selected workspaces. */
function WorkspacesPanel({ client, fleet, operator, filter, onFilter }: WorkspacesPanelProps) {
  const { workspaces, loaded, error } = useFleet(fleet)
  const [selectedIds, setSelectedIds] = useState<ReadonlySet<string>>(new Set())
  const matches = useMemo(() => filterWorkspaces(workspaces, filter), [workspaces, filter])
  const selected = useMemo(() => workspaces.filter(({ id }) => selectedIds.has(id)), [workspaces, selectedIds])
  /** Actions apply to selected workspaces even if the filter hides them. */
  const hiddenCount = selected.length - matches.filter(({ id }) => selectedIds.has(id)).length
  return (
    <section class="panel" aria-labelledby="table-title">
      <h2 id="table-title">Workspaces</h2>
      <FilterBar
        filter={filter}
        onChange={onFilter}
        workspaces={workspaces}
        operator={operator}
        matchCount={matches.length}
      />
      {selected.length > 0 && (
        <p class="row align-center">
          {selected.length} selected
          {hiddenCount > 0 && `, ${hiddenCount} hidden by the filter`}
          <button type="button" class="secondary" onClick={() => setSelectedIds(new Set())}>
            Clear selection
          </button>
        </p>
      )}
      <ActionBar client={client} fleet={fleet} selected={selected} />
      {matches.length === 0 ? (
        <EmptyTable total={workspaces.length} loaded={loaded} error={error} />
      ) : (
        <WorkspaceTable workspaces={matches} selectedIds={selectedIds} onSelect={setSelectedIds} operator={operator} />
      )}
    </section>
  )
}

interface EmptyTableProps {
  readonly total: number
  readonly loaded: boolean
  readonly error: string | null
}

function EmptyTable({ total, loaded, error }: EmptyTableProps) {
  if (!loaded)
    return <p class="placeholder">{error === null ? 'Loading workspaces…' : 'No workspaces could be loaded.'}</p>
  if (total > 0) return <p class="placeholder">None of {total} workspaces matches the filter.</p>
  return (
    <div class="placeholder">
      <p>There are no workspaces yet.</p>
      <p>
        Create one with <code>vm create</code> or <code>POST /api/v1/workspaces</code>, and it appears here. The page at{' '}
        <a href="../docs">/docs</a> has a form for it.
      </p>
    </div>
  )
}

function statechartLabel(counts: ReadonlyMap<string, number>): string {
  const parts = [...counts].map(([state, count]) => `${count} ${state}`)
  return `Statechart of workspaces: ${parts.length > 0 ? parts.join(', ') : 'no workspaces'}.`
}
