import type { WorkspaceSpec } from '../../src/workspace/spec.ts'

/** A spec that uses every field. */
export const fullSpec: WorkspaceSpec = {
  image: 'registry.example/base:1@sha256:00',
  containerEnv: { LANG: 'C.UTF-8' },
  remoteEnv: { PATH: '/opt/bin:/usr/bin' },
  remoteUser: 'dev',
  workspaceFolder: '/workspace',
  forwardPorts: [8080],
  overrideCommand: false,
  init: false,
  limits: { cpus: 1.5, memoryBytes: 2 ** 30, pids: 100 },
  onCreate: [{ name: 'onCreateCommand', run: ['git', 'init'] }],
  postCreate: [{ name: 'postCreateCommand.deps', run: 'npm ci' }],
  postStart: [{ name: 'postStartCommand', run: 'true' }],
}
