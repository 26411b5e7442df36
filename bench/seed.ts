import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { newWorkspace } from '../src/machines/workspace-context.ts'
import { workspaceMachineVersion } from '../src/machines/workspace-version.ts'
import { openDatabase } from '../src/persistence/database.ts'
import { encodeSnapshot } from '../src/persistence/snapshot-codec.ts'
import type { WrittenStep } from '../src/persistence/workspace-row.ts'
import { workspaceStore } from '../src/persistence/workspace-store.ts'
import { readTemplates } from '../src/template/templates.ts'
import type { WorkspaceId } from '../src/workspace/id.ts'
import { newWorkspaceId } from '../src/workspace/id.ts'
import type { Recipe } from '../src/workspace/recipe.ts'
import { containerOf } from './child/engine-at-rest.ts'

const templates = join(dirname(fileURLToPath(import.meta.url)), '../templates')
const atOnce = 5000

/**
 * Makes a database at `path` with `count` running workspaces, dealt out in turns to so many owners (`owner-0`, `owner-1`, …), each with
 * a line in the journal. Answers the ids in order of creation.
 */
export function seed(path: string, count: number, owners = 1): readonly WorkspaceId[] {
  const recipe = baseRecipe()
  const { db, close } = openDatabase(path)
  const { keep } = workspaceStore(db)
  const ids = Array.from({ length: count }, newWorkspaceId)
  for (let from = 0; from < count; from += atOnce) {
    const some = ids.slice(from, from + atOnce)
    const lost = keep(some.map((id, n) => stepOf(id, from + n, `owner-${(from + n) % owners}`, recipe)))
    if (lost.size > 0) throw new Error('the database refused rows', { cause: [...lost.values()][0]?.error })
  }
  close()
  return ids
}

function stepOf(id: WorkspaceId, n: number, owner: string, recipe: Recipe): WrittenStep {
  const at = 1_700_000_000_000 + n
  const columns = { id, owner, name: `workspace-${n}`, template: 'base', provider: 'docker' } as const
  const fresh = newWorkspace({ ...columns, recipe, metadata: null, ttlSeconds: null, at })
  const containerId = containerOf(id)
  const connection = { container_id: containerId.slice(0, 12) }
  const context = { ...fresh, step: 'setup', imageId: 'sha256:00', containerId, prepared: true, connection } as const
  const row = { ...columns, createdAt: at, updatedAt: at, expiresAt: null, machine: workspaceMachineVersion }
  const snapshot = encodeSnapshot({ value: { running: 'up' }, context })
  return {
    row: { ...row, status: 'running', revision: 1, snapshot },
    line: { at, by: `user:${owner}`, event: 'create', from: null, to: 'running.up', reason: null, tries: null },
    final: false,
  }
}

function baseRecipe(): Recipe {
  const read = readTemplates(templates)
  const base = read.kind === 'read' ? read.templates.get('base') : undefined
  if (!base) throw new Error(`there is no readable template "base" in ${templates}`)
  return base.recipe
}
