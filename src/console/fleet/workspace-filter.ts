import type { Workspace } from '../../client/client.ts'

/** The table's filter. An empty field matches every workspace. */
export interface WorkspaceFilter {
  readonly text: string
  readonly owner: string
  readonly status: string
  readonly template: string
}

export const emptyFilter: WorkspaceFilter = { text: '', owner: '', status: '', template: '' }

/** The workspaces that match: failed ones first, otherwise in their original order. */
export function filterWorkspaces(workspaces: readonly Workspace[], filter: WorkspaceFilter): readonly Workspace[] {
  const searchText = filter.text.trim().toLowerCase()
  const matches = workspaces.filter(
    ({ error_message = '', id, name, owner, state, status, template }) =>
      (filter.owner === '' || owner === filter.owner) &&
      (filter.status === '' || status === filter.status) &&
      (filter.template === '' || template === filter.template) &&
      (searchText === '' || `${name}\n${owner}\n${state}\n${id}\n${error_message}`.toLowerCase().includes(searchText)),
  )
  const failed = matches.filter(({ status }) => status === 'failed')
  return failed.length === 0 ? matches : [...failed, ...matches.filter(({ status }) => status !== 'failed')]
}

/** The number of workspaces in each state. A workspace also counts for the ancestors of its state. */
export function countByState(workspaces: readonly Workspace[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const { state } of workspaces)
    for (let path = state; path !== ''; path = path.slice(0, Math.max(0, path.lastIndexOf('.'))))
      counts.set(path, (counts.get(path) ?? 0) + 1)
  return counts
}

/** The values of a field among the workspaces, sorted. */
export function distinctValues(workspaces: readonly Workspace[], field: 'owner' | 'template'): readonly string[] {
  return [...new Set(workspaces.map((workspace) => workspace[field]))].sort()
}
