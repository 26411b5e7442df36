import type { WorkspaceLabels } from '../../../workspace/container.ts'
import { parseWorkspaceId, type WorkspaceId } from '../../../workspace/id.ts'
import { stringField } from './json-fields.ts'

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
export function workspaceLabels(
  installation: string,
  { id, owner, name, template }: WorkspaceLabels & { id: WorkspaceId },
) {
  const details = { [ownerKey]: owner, [nameKey]: name, [templateKey]: template }
  return { ...installationLabels(installation), [workspaceKey]: id, ...details }
}

/** What `labels` say of their workspace beside its id. */
export function parseWorkspaceLabels(labels: unknown): Partial<WorkspaceLabels> {
  const [owner, name, template] = [
    stringField(labels, ownerKey),
    stringField(labels, nameKey),
    stringField(labels, templateKey),
  ]
  return {
    ...(owner !== undefined && { owner }),
    ...(name !== undefined && { name }),
    ...(template !== undefined && { template }), // containers of earlier versions have none
  }
}

/** As the engine's lists and events take it: what is this installation's, and of the workspace `id` if one is given. */
export function labelFilter(installation: string, workspaceId?: WorkspaceId): string[] {
  return [`${installationKey}=${installation}`, ...(workspaceId ? [`${workspaceKey}=${workspaceId}`] : [])]
}

/** True if `labels`, as the engine tells them, are those of something that `installation` made. */
export function hasInstallationLabel(labels: unknown, installation: string): boolean {
  return stringField(labels, installationKey) === installation
}

/** The workspace that `labels` name; `undefined` if they name none. */
export function workspaceIdOfLabels(labels: unknown): WorkspaceId | undefined {
  return parseWorkspaceId(stringField(labels, workspaceKey) ?? '')
}

/** The name of a workspace's container: made from its id, never from what a user typed. */
export function containerName(workspaceId: WorkspaceId): string {
  return `vm-api-${workspaceId}`
}
