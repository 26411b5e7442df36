import type { Workspace } from '../../client/client.ts'

/** What the table is narrowed to; an empty string is no wish. */
export interface WorkspaceFilter {
  readonly text: string
  readonly owner: string
  readonly status: string
  readonly template: string
}

export const emptyFilter: WorkspaceFilter = { text: '', owner: '', status: '', template: '' }

/** Those that match, failed ones first, else in the order that they came. */
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

/** How many are in each state; those within a state count for it too. */
export function countByState(workspaces: readonly Workspace[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const { state } of workspaces)
    for (let path = state; path !== ''; path = path.slice(0, Math.max(0, path.lastIndexOf('.'))))
      counts.set(path, (counts.get(path) ?? 0) + 1)
  return counts
}

/** Every value of a field that there is, in order. */
export function distinctValues(workspaces: readonly Workspace[], field: 'owner' | 'template'): readonly string[] {
  return [...new Set(workspaces.map((workspace) => workspace[field]))].sort()
}
