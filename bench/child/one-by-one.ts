import { createActor } from 'xstate'
import { workspaceMachine } from '../../src/machines/workspace-machine.ts'
import { restorable } from '../../src/machines/workspace-view.ts'
import { openDatabase } from '../../src/persistence/database.ts'
import { decodeSnapshot } from '../../src/persistence/snapshot-codec.ts'
import { workspaceStore } from '../../src/persistence/workspace-store.ts'
import { durable } from '../../src/supervisor/durable.ts'
import { causeOf, lineOf, rowOf } from '../../src/supervisor/step-record.ts'
import type { WorkspaceId } from '../../src/workspace/id.ts'

/** The same machine, rows and journal lines on the same store, and each step in a transaction of its own, at once. */
export function oneByOne(path: string) {
  const { close, db } = openDatabase(path)
  const store = workspaceStore(db)
  const revisions = new Map<string, number>()
  const logic = durable(workspaceMachine.provide({}), (id, before, after, event) => {
    const revision = (revisions.get(id) ?? 0) + 1
    revisions.set(id, revision)
    const cause = causeOf(event, Date.now())
    const row = rowOf(after, revision, cause.at)
    if (store.keep([{ row, line: lineOf(before, after, cause), final: false }]).size > 0)
      throw new Error('the step was refused')
  })
  const actors = new Map(
    store.after(0, 1_000_000).map(({ id, revision, snapshot }) => {
      revisions.set(id, revision)
      const actor = createActor(logic, {
        id,
        snapshot: restorable(decodeSnapshot(snapshot)),
        input: undefined as never,
      })
      return [id, actor.start()]
    }),
  )
  return {
    async close() {
      close()
    },
    async step(id: WorkspaceId, n: number) {
      actors.get(id)?.send({ type: 'amend', at: Date.now(), by: 'user:owner-0', metadata: { n } })
      await new Promise((resolve) => setImmediate(resolve))
    },
  }
}
