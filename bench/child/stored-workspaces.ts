import BetterSqlite3 from 'better-sqlite3'
import type { Actor } from 'xstate'
import { createActor } from 'xstate'
import { workspaceMachine } from '../../src/machines/workspace-machine.ts'
import { restorableSnapshot } from '../../src/machines/workspace-snapshot.ts'
import { decodeSnapshot } from '../../src/persistence/snapshot-codec.ts'
import type { WorkspaceId } from '../../src/workspace/id.ts'

/** The ids in the database at `path`, in order of creation. */
export function storedIds(path: string): readonly WorkspaceId[] {
  const db = new BetterSqlite3(path, { readonly: true })
  const ids = db.prepare<[], WorkspaceId>('SELECT id FROM workspaces ORDER BY seq').pluck().all()
  db.close()
  return ids
}

/** Starts a bare actor for each row of the database at `path`, without a supervisor. */
export function bareActors(path: string): readonly Actor<typeof workspaceMachine>[] {
  const db = new BetterSqlite3(path, { readonly: true })
  const rows = db.prepare<[], { snapshot: string }>('SELECT * FROM workspaces ORDER BY seq')
  const actors: Actor<typeof workspaceMachine>[] = []
  for (const { snapshot } of rows.iterate()) {
    const persisted = restorableSnapshot(decodeSnapshot(snapshot))
    // The type requires an input, which only new actors read.
    actors.push(createActor(workspaceMachine, { snapshot: persisted, input: undefined as never }).start())
  }
  db.close()
  return actors
}
