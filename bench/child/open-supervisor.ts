import { openDatabase } from '../../src/persistence/database.ts'
import { storedResponses } from '../../src/persistence/stored-responses.ts'
import { journal } from '../../src/persistence/journal.ts'
import { workspaceList } from '../../src/persistence/workspace-list.ts'
import { workspaceStore } from '../../src/persistence/workspace-store.ts'
import { systemClock } from '../../src/workspace/clock.ts'
import { createSupervisor } from '../../src/supervisor/supervisor.ts'
import type { WorkspaceId } from '../../src/workspace/id.ts'
import { idleEngine } from './idle-engine.ts'

/** The supervisor on the database at `path`, put together as the service does it, with the engine on which `ids` run. */
export function openSupervisor(path: string, ids: () => readonly WorkspaceId[]) {
  const database = openDatabase(path)
  const { db } = database
  const warn = (fields: object, message: string) => process.stderr.write(`${message} ${JSON.stringify(fields)}\n`)
  const supervisor = createSupervisor({
    store: workspaceStore(db),
    journal: journal(db),
    storedResponses: storedResponses(db),
    list: workspaceList(db),
    templates: new Map(),
    defaultTemplate: 'base',
    provider: 'docker',
    providers: new Map([['docker', idleEngine(ids)]]),
    databaseFault: database.fault,
    checkpoint: database.checkpoint,
    clock: systemClock,
    log: { debug: () => undefined, info: () => undefined, warn, error: warn },
    settings: { concurrency: 8, provisionerIntervalMs: 5000, janitorIntervalMs: 60_000, journalDays: 30 },
  })
  return {
    supervisor,
    async close() {
      await supervisor.close()
      database.close()
    },
  }
}
