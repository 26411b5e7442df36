import type { WorkspaceLabels } from '../../../workspace/container.ts'
import { parseWorkspaceId, type WorkspaceId } from '../../../workspace/id.ts'
import { stringField } from './json-fields.ts'

// Label keys are fixed. User-supplied names are data and appear in values only.
const installationKey = 'vm-api.installation'
const workspaceKey = 'vm-api.workspace'
const ownerKey = 'vm-api.owner'
const nameKey = 'vm-api.name'
const templateKey = 'vm-api.template'

/** The labels of every container and network that `installation` creates. */
export function installationLabels(installation: string): Record<string, string> {
  return { [installationKey]: installation }
}

/** The labels of a workspace's container. The name is the workspace's name at the time of creation. */
export function workspaceLabels(
  installation: string,
  { id, owner, name, template }: WorkspaceLabels & { id: WorkspaceId },
): Record<string, string> {
  const details = { [ownerKey]: owner, [nameKey]: name, [templateKey]: template }
  return { ...installationLabels(installation), [workspaceKey]: id, ...details }
}

/** Reads the owner, name and template of a workspace from its container's labels. */
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

/** Label filter for the engine's lists and events: this installation's objects, or those of one workspace. */
export function labelFilter(installation: string, workspaceId?: WorkspaceId): string[] {
  return [`${installationKey}=${installation}`, ...(workspaceId ? [`${workspaceKey}=${workspaceId}`] : [])]
}

/** True if `labels`, as the engine reports them, carry the id of `installation`. */
export function hasInstallationLabel(labels: unknown, installation: string): boolean {
  return stringField(labels, installationKey) === installation
}

/** The workspace id in `labels`; `undefined` if there is none. */
export function workspaceIdOfLabels(labels: unknown): WorkspaceId | undefined {
  return parseWorkspaceId(stringField(labels, workspaceKey) ?? '')
}

/** The name of a workspace's container. Derived from the workspace id, never from user input. */
export function containerName(workspaceId: WorkspaceId): string {
  return `vm-api-${workspaceId}`
}
