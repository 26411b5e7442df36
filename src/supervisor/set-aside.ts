import type { WorkspaceContext } from '../machines/workspace-context.ts'
import { newWorkspace } from '../machines/workspace-context.ts'
import type { StoredRow } from '../persistence/workspace-row.ts'
import type { Recipe } from '../workspace/recipe.ts'
import { providerNames } from '../workspace/subject.ts'

const nothing: Recipe = {
  image: '',
  containerEnv: {},
  remoteEnv: {},
  remoteUser: null,
  workspaceFolder: '/',
  forwardPorts: [],
  overrideCommand: true,
  init: true,
  limits: { cpus: 1, memoryBytes: 0, pids: 1 },
  onCreate: [],
  postCreate: [],
  postStart: [],
}

/**
 * What a workspace whose snapshot cannot be read is deleted with: its row's columns are enough, since a provider finds the container by
 * the workspace's id.
 */
export function deletingFrom(row: StoredRow): { value: { deleting: 'destroying' }; context: WorkspaceContext } {
  const provider = providerNames.find((name) => name === row.provider) ?? 'docker'
  const request = { ...row, provider, recipe: nothing, metadata: null, ttlSeconds: null, at: row.createdAt }
  const { id, owner, name, template, recipe, metadata, ttlSeconds, at } = request
  return {
    value: { deleting: 'destroying' },
    context: newWorkspace({ id, owner, name, template, provider, recipe, metadata, ttlSeconds, at }),
  }
}
