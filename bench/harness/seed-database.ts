import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { initialContext } from '../../src/machines/workspace-context.ts'
import { workspaceMachineVersion } from '../../src/machines/snapshot-upgrades.ts'
import { openDatabase } from '../../src/persistence/database.ts'
import { encodeSnapshot } from '../../src/persistence/snapshot-codec.ts'
import type { TransitionRecord } from '../../src/persistence/workspace-row.ts'
import { workspaceStore } from '../../src/persistence/workspace-store.ts'
import { readTemplates } from '../../src/template/templates.ts'
import type { WorkspaceId } from '../../src/workspace/id.ts'
import { newWorkspaceId } from '../../src/workspace/id.ts'
import type { WorkspaceSpec } from '../../src/workspace/spec.ts'
import { containerIdOf } from '../child/idle-engine.ts'

const templates = join(dirname(fileURLToPath(import.meta.url)), '../../templates')
const batchSize = 5000

/**
 * Creates a database at `path` with `count` running workspaces, each with one journal line. Owners take turns: `owner-0`, `owner-1`, ….
 * Returns the ids in order of creation.
 */
export function seedDatabase(path: string, count: number, owners = 1): readonly WorkspaceId[] {
  const spec = baseSpec()
  const { db, close } = openDatabase(path)
  const { commit: writeBatch } = workspaceStore(db)
  const ids = Array.from({ length: count }, newWorkspaceId)
  for (let from = 0; from < count; from += batchSize) {
    const batch = ids.slice(from, from + batchSize)
    const failedWrites = writeBatch(
      batch.map((id, n) => transitionOf(id, from + n, `owner-${(from + n) % owners}`, spec)),
    )
    if (failedWrites.size > 0)
      throw new Error('the database rejected rows', { cause: [...failedWrites.values()][0]?.error })
  }
  close()
  return ids
}

function transitionOf(id: WorkspaceId, n: number, owner: string, spec: WorkspaceSpec): TransitionRecord {
  const at = 1_700_000_000_000 + n
  const columns = { id, owner, name: `workspace-${n}`, template: 'base', provider: 'docker' } as const
  const newContext = initialContext({ ...columns, spec, metadata: null, ttlSeconds: null, at })
  const containerId = containerIdOf(id)
  const connection = { container_id: containerId.slice(0, 12) }
  const context = {
    ...newContext,
    step: 'setup',
    imageId: 'sha256:00',
    containerId,
    prepared: true,
    connection,
  } as const
  const row = { ...columns, createdAt: at, updatedAt: at, expiresAt: null, machine: workspaceMachineVersion }
  const snapshot = encodeSnapshot({ value: { running: 'up' }, context })
  return {
    row: { ...row, status: 'running', revision: 1, snapshot },
    line: { at, by: `user:${owner}`, event: 'create', from: null, to: 'running.up', reason: null, attempts: null },
    final: false,
  }
}

function baseSpec(): WorkspaceSpec {
  const result = readTemplates(templates)
  const base = result.kind === 'ok' ? result.templates.get('base') : undefined
  if (!base) throw new Error(`the template "base" in ${templates} is invalid`)
  return base.spec
}
