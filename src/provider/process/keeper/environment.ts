import type { WorkspaceId } from '../../../workspace/id.ts'
import type { WorkspaceSpec } from '../../../workspace/spec.ts'
import type { WorkspaceDirectory } from './workspace-directory.ts'

// Variables by which the processes of a workspace are found again, whatever became of their parents.
export const tagPrefix = 'VM_WORKSPACE_'
export const keeperNumberVariable = 'VM_WORKSPACE_RUN'
export const incarnationVariable = 'VM_WORKSPACE_INCARNATION'
/** Carries the tag of a command. What the command starts inherits it; the keeper does not have it. */
export const execTagVariable = 'VM_WORKSPACE_EXEC'

/** Variables that every process of the workspace has, and no other process. */
export function workspaceTagVariables(installation: string, id: WorkspaceId): Readonly<Record<string, string>> {
  return { VM_WORKSPACE_ID: id, VM_WORKSPACE_INSTALLATION: installation }
}

/** The whole environment of a process in a workspace. It has nothing of the service's own, and a spec cannot override the tags. */
export function workspaceEnvironment(
  spec: WorkspaceSpec,
  directory: WorkspaceDirectory,
  path: string,
  tags: Readonly<Record<string, string>>,
): NodeJS.ProcessEnv {
  const defaults = { PATH: path, HOME: directory.home, LANG: 'C.UTF-8' }
  return { ...defaults, ...spec.containerEnv, ...spec.remoteEnv, ...tags }
}
