import type { Database } from 'better-sqlite3'
import { journal } from '../../src/persistence/journal.ts'
import { storedResponses } from '../../src/persistence/stored-responses.ts'
import { workspaceList } from '../../src/persistence/workspace-list.ts'
import { workspaceStore } from '../../src/persistence/workspace-store.ts'
import type { WorkspaceSpec } from '../../src/workspace/spec.ts'

// Specs, templates and stores of every supervisor under test.

export const testSpec: WorkspaceSpec = {
  image: 'base:1',
  containerEnv: {},
  remoteEnv: {},
  remoteUser: null,
  workspaceFolder: '/work',
  forwardPorts: [],
  overrideCommand: true,
  init: true,
  limits: { cpus: 1, memoryBytes: 2 ** 30, pids: 100 },
  onCreate: [],
  postCreate: [],
  postStart: [{ name: 'postStartCommand', run: 'true' }],
}

/** `base` succeeds, `broken` fails in its setup, and the image of `missing` does not exist. */
export function testTemplates(spec: WorkspaceSpec): ReadonlyMap<string, { readonly spec: WorkspaceSpec }> {
  return new Map([
    ['base', { spec }],
    ['broken', { spec: { ...spec, postCreate: [{ name: 'postCreateCommand', run: 'exit 3' }] } }],
    ['missing', { spec: { ...spec, image: 'missing:1' } }],
  ])
}

export function testStores(db: Database) {
  return {
    store: workspaceStore(db),
    journal: journal(db),
    storedResponses: storedResponses(db),
    list: workspaceList(db),
  }
}
