import { parseWorkspaceId, type WorkspaceId } from '../../workspace/id.ts'
import { text } from './shape.ts'

// What is ours says so in its labels. Keys are fixed: names and owners are data, and stand in values only.
const installationKey = 'vm-api.installation'
const workspaceKey = 'vm-api.workspace'

/** The labels of everything that `installation` made: containers and networks. */
export function installationLabels(installation: string): Record<string, string> {
  return { [installationKey]: installation }
}

/** The labels of a workspace's container. */
export function workspaceLabels(installation: string, id: WorkspaceId, owner: string, name: string) {
  return { ...installationLabels(installation), [workspaceKey]: id, 'vm-api.owner': owner, 'vm-api.name': name }
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
