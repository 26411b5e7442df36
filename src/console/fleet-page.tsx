import { useMemo, useState } from 'preact/hooks'
import type { Client, Workspace } from '../client/client.ts'
import { ActBar } from './act-bar.tsx'
import { Chart } from './chart.tsx'
import { counted, matching, noFilter } from './filter.ts'
import type { Filter } from './filter.ts'
import { FilterBar } from './filter-bar.tsx'
import type { Fleet } from './fleet.ts'
import { OperatorsPart } from './operators-part.tsx'
import { Expiring, Failures } from './urgent.tsx'
import { useFleet } from './use-fleet.ts'
import { WorkspaceTable } from './workspace-table.tsx'

interface Props {
  readonly client: Client
  readonly fleet: Fleet
  readonly operator: boolean
}

const statuses = ['failed', 'creating', 'running', 'stopped', 'deleting'] as const

/** All workspaces: what is wrong first, then how many are where, then each of them. */
export function FleetPage({ client, fleet, operator }: Props) {
  const { workspaces, loaded, trouble } = useFleet(fleet)
  const [filter, setFilter] = useState<Filter>(noFilter)
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set())
  const counts = useMemo(() => counted(workspaces), [workspaces])
  const marks = useMemo(() => ({ counts }), [counts])
  const shown = useMemo(() => matching(workspaces, filter), [workspaces, filter])
  const acted = useMemo(() => workspaces.filter(({ id }) => chosen.has(id)), [workspaces, chosen])
  /** Chosen, and then filtered away: they are commanded all the same. */
  const unlisted = acted.length - shown.filter(({ id }) => chosen.has(id)).length
  const many = (path: string) => counts.get(path) ?? 0
  const queued = many('creating.queued') + many('stopped.starting.queued')

  return (
    <>
      <h1 class="hidden">Fleet</h1>
      {trouble !== null && (
        <div class="notice trouble" role="alert">
          <p>The workspaces cannot be read. {trouble}</p>
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
                <strong>{loaded ? many(status) : '–'}</strong>
                <span>{status}</span>
                {status === 'creating' && queued > 0 && <small>{queued} in the queue</small>}
              </button>
            </li>
          ))}
      </ul>
      <div class="columns">
        <Failures
          workspaces={workspaces}
          loaded={loaded}
          showAll={() => setFilter({ ...noFilter, status: 'failed' })}
        />
        <Expiring workspaces={workspaces} loaded={loaded} />
      </div>
      {operator && <OperatorsPart client={client} fleet={fleet} />}
      <section class="panel" aria-labelledby="table-title">
        <h2 id="table-title">Workspaces</h2>
        <FilterBar filter={filter} set={setFilter} workspaces={workspaces} operator={operator} found={shown.length} />
        {acted.length > 0 && (
          <p class="row middle">
            {acted.length} chosen
            {unlisted > 0 && `, ${unlisted} of them not listed`}
            <button type="button" class="quiet" onClick={() => setChosen(new Set())}>
              Choose none
            </button>
          </p>
        )}
        <ActBar client={client} fleet={fleet} chosen={acted} />
        {emptiness(workspaces, shown, loaded, trouble) ?? (
          <WorkspaceTable workspaces={shown} chosen={chosen} choose={setChosen} operator={operator} />
        )}
      </section>
      <section class="panel" aria-labelledby="chart-title">
        <h2 id="chart-title">Where they are</h2>
        <Chart client={client} marks={marks} label={labelOf(counts)} view="all" />
      </section>
    </>
  )
}

function emptiness(all: readonly Workspace[], shown: readonly Workspace[], loaded: boolean, trouble: string | null) {
  if (shown.length > 0) return null
  if (!loaded) return <p class="pending">{trouble === null ? 'Loading the workspaces…' : 'Nothing could be loaded.'}</p>
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

function labelOf(counts: ReadonlyMap<string, number>): string {
  const parts = [...counts].map(([state, count]) => `${count} ${state}`)
  return `Statechart of workspaces. ${parts.length > 0 ? parts.join(', ') : 'None is in any state'}.`
}
