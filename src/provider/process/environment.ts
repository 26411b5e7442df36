import type { WorkspaceId } from '../../workspace/id.ts'
import type { Recipe } from '../../workspace/recipe.ts'
import type { Directory } from './directory.ts'

// The variables by which a process of a workspace is found again, whatever became of its parents.
export const markPrefix = 'VM_WORKSPACE_'
export const runVariable = 'VM_WORKSPACE_RUN'
export const incarnationVariable = 'VM_WORKSPACE_INCARNATION'
/** Lifecycle commands and what they leave in the background carry it; the keeper does not. */
export const commandVariable = 'VM_WORKSPACE_COMMAND'

/** What an owner runs carries it, with the run's mark as its value. */
export const execVariable = 'VM_WORKSPACE_EXEC'

/** The variables that every process of the workspace carries, and no other process. */
export function workspaceMark(installation: string, id: WorkspaceId): Readonly<Record<string, string>> {
  return { VM_WORKSPACE_ID: id, VM_WORKSPACE_INSTALLATION: installation }
}

/** The whole environment of a process in a workspace: nothing of the service's own gets in, and a recipe cannot take the marks away. */
export function environmentOf(
  recipe: Recipe,
  directory: Directory,
  path: string,
  marks: Readonly<Record<string, string>>,
): NodeJS.ProcessEnv {
  const plain = { PATH: path, HOME: directory.home, LANG: 'C.UTF-8' }
  return { ...plain, ...recipe.containerEnv, ...recipe.remoteEnv, ...marks }
}
