import type { Labelled } from '../../workspace/container.ts'
import { parseWorkspaceId, type WorkspaceId } from '../../workspace/id.ts'
import { text } from './shape.ts'

// What is ours says so in its labels. Keys are fixed: names and owners are data, and stand in values only.
const installationKey = 'vm-api.installation'
const workspaceKey = 'vm-api.workspace'
const ownerKey = 'vm-api.owner'
const nameKey = 'vm-api.name'
const templateKey = 'vm-api.template'

/** The labels of everything that `installation` made: containers and networks. */
export function installationLabels(installation: string): Record<string, string> {
  return { [installationKey]: installation }
}

/** The labels of a workspace's container, as the workspace is called when it is made. */
export function workspaceLabels(installation: string, { id, owner, name, template }: Labelled & { id: WorkspaceId }) {
  const known = { [ownerKey]: owner, [nameKey]: name, [templateKey]: template }
  return { ...installationLabels(installation), [workspaceKey]: id, ...known }
}

/** What `labels` say of their workspace beside its id. */
export function labelledIn(labels: unknown): Partial<Labelled> {
  const [owner, name, template] = [text(labels, ownerKey), text(labels, nameKey), text(labels, templateKey)]
  return {
    ...(owner !== undefined && { owner }),
    ...(name !== undefined && { name }),
    ...(template !== undefined && { template }), // containers of earlier versions have none
  }
}

/** As the engine's lists and events take it: what is this installation's, and of the workspace `id` if one is given. */
export function labelFilter(installation: string, id?: WorkspaceId): string[] {
  return [`${installationKey}=${installation}`, ...(id ? [`${workspaceKey}=${id}`] : [])]
}

/** True if `labels`, as the engine tells them, are those of something that `installation` made. */
export function isOurs(labels: unknown, installation: string): boolean {
  return text(labels, installationKey) === installation
}

/** The workspace that `labels` name; `undefined` if they name none. */
export function workspaceOf(labels: unknown): WorkspaceId | undefined {
  return parseWorkspaceId(text(labels, workspaceKey) ?? '')
}

/** The name of a workspace's container: made from its id, never from what a user typed. */
export function containerName(id: WorkspaceId): string {
  return `vm-api-${id}`
}
