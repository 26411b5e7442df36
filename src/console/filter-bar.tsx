import { useMemo } from 'preact/hooks'
import type { Workspace } from '../client/client.ts'
import type { Filter } from './filter.ts'
import { noFilter, valuesOf } from './filter.ts'

interface Props {
  readonly filter: Filter
  readonly set: (filter: Filter) => void
  readonly workspaces: readonly Workspace[]
  readonly operator: boolean
  readonly found: number
}

/** What the table is narrowed by. */
export function FilterBar({ filter, set, workspaces, operator, found }: Props) {
  const owners = useMemo(() => valuesOf(workspaces, 'owner'), [workspaces])
  const templates = useMemo(() => valuesOf(workspaces, 'template'), [workspaces])
  const choice = (field: 'owner' | 'status' | 'template', label: string, values: readonly string[]) => (
    <label>
      {label}
      <select value={filter[field]} onChange={(event) => set({ ...filter, [field]: event.currentTarget.value })}>
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
    <div class="filters" role="search">
      <label class="wide">
        Text
        <input
          type="search"
          value={filter.text}
          placeholder="Name, state, reason, id"
          onInput={(event) => set({ ...filter, text: event.currentTarget.value })}
        />
      </label>
      {choice('status', 'Status', ['creating', 'running', 'stopped', 'failed', ...(operator ? ['deleting'] : [])])}
      {choice('template', 'Template', templates)}
      {operator && choice('owner', 'Owner', owners)}
      <span class="found" role="status">
        {found} of {workspaces.length}
        {filter !== noFilter && found < workspaces.length && (
          <button type="button" class="quiet" onClick={() => set(noFilter)}>
            Clear
          </button>
        )}
      </span>
    </div>
  )
}
