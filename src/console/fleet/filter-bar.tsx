import { useMemo } from 'preact/hooks'
import type { Workspace } from '../../client/client.ts'
import type { WorkspaceFilter } from './workspace-filter.ts'
import { emptyFilter, distinctValues } from './workspace-filter.ts'

interface Props {
  readonly filter: WorkspaceFilter
  readonly onChange: (filter: WorkspaceFilter) => void
  readonly workspaces: readonly Workspace[]
  readonly operator: boolean
  readonly matchCount: number
}

/** The fields that filter the table, and the number of matches. */
export function FilterBar({ filter, onChange, workspaces, operator, matchCount }: Props) {
  const owners = useMemo(() => distinctValues(workspaces, 'owner'), [workspaces])
  const templates = useMemo(() => distinctValues(workspaces, 'template'), [workspaces])
  const selectField = (field: 'owner' | 'status' | 'template', label: string, values: readonly string[]) => (
    <label>
      {label}
      <select value={filter[field]} onChange={(event) => onChange({ ...filter, [field]: event.currentTarget.value })}>
        <option value="">any</option>
        {values.map((value) => (
          <option key={value} value={value}>
            {value}
          </option>
        ))}
      </select>
    </label>
  )
  return (
    <div class="filter-bar" role="search">
      <label class="filter-text">
        Text
        <input
          type="search"
          value={filter.text}
          placeholder="Name, owner, state, reason, id"
          onInput={(event) => onChange({ ...filter, text: event.currentTarget.value })}
        />
      </label>
      {selectField('status', 'Status', ['creating', 'running', 'stopped', 'failed', ...(operator ? ['deleting'] : [])])}
      {selectField('template', 'Template', templates)}
      {operator && selectField('owner', 'Owner', owners)}
      <span class="match-count" role="status">
        {matchCount} of {workspaces.length}
        {filter !== emptyFilter && matchCount < workspaces.length && (
          <button type="button" class="secondary" onClick={() => onChange(emptyFilter)}>
            Clear
          </button>
        )}
      </span>
    </div>
  )
}
