import type { WorkspaceContext } from '../machines/workspace-context.ts'
import { initialContext } from '../machines/workspace-context.ts'
import type { StoredWorkspaceRow } from '../persistence/workspace-row.ts'
import type { WorkspaceSpec } from '../workspace/spec.ts'
import { providerNames } from '../workspace/workspace-ref.ts'

const emptySpec: WorkspaceSpec = {
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
export function deletingStateFromRow(row: StoredWorkspaceRow): {
  value: { deleting: 'destroying' }
  context: WorkspaceContext
} {
  const provider = providerNames.find((name) => name === row.provider) ?? 'docker'
  const request = { ...row, provider, spec: emptySpec, metadata: null, ttlSeconds: null, at: row.createdAt }
  const { id, owner, name, template, spec, metadata, ttlSeconds, at } = request
  return {
    value: { deleting: 'destroying' },
    context: initialContext({ id, owner, name, template, provider, spec, metadata, ttlSeconds, at }),
  }
}
