import { createActor } from 'xstate'
import { workspaceMachine } from '../../src/machines/workspace-machine.ts'
import { restorableSnapshot } from '../../src/machines/workspace-snapshot.ts'
import { openDatabase } from '../../src/persistence/database.ts'
import { decodeSnapshot } from '../../src/persistence/snapshot-codec.ts'
import { workspaceStore } from '../../src/persistence/workspace-store.ts'
import { stageTransitions } from '../../src/supervisor/commit-log.ts'
import { transitionCauseOf, journalLineOf, workspaceRowOf } from '../../src/supervisor/commit-log.ts'
import type { WorkspaceId } from '../../src/workspace/id.ts'

/** The same machine, rows, journal lines and store as the service, but with one transaction per transition. */
export function commitPerTransition(path: string) {
  const { close, db } = openDatabase(path)
  const store = workspaceStore(db)
  const revisions = new Map<string, number>()
  const logic = stageTransitions(workspaceMachine, (before, after, event) => {
    const { id } = after.context
    const revision = (revisions.get(id) ?? 0) + 1
    revisions.set(id, revision)
    const cause = transitionCauseOf(event, Date.now())
    const row = workspaceRowOf(after, revision, cause.at)
    if (store.commit([{ row, line: journalLineOf(before, after, cause), final: false }]).size > 0)
      throw new Error('the commit failed')
  })
  const actors = new Map(
    store.after(0, 1_000_000).map(({ id, revision, snapshot }) => {
      revisions.set(id, revision)
      const actor = createActor(logic, { id, snapshot: restorableSnapshot(decodeSnapshot(snapshot)) })
      return [id, actor.start()]
    }),
  )
  return {
    async close() {
      close()
    },
    async transition(id: WorkspaceId, n: number) {
      actors.get(id)?.send({ type: 'update', at: Date.now(), by: 'user:owner-0', metadata: { n } })
      await new Promise((resolve) => setImmediate(resolve))
    },
  }
}
