import { expect, it } from 'vitest'
import { idleEngine } from '../../../bench/child/idle-engine.ts'
import { seedDatabase } from '../../../bench/harness/seed-database.ts'
import { openDatabase } from '../../../src/persistence/database.ts'
import { storedResponses } from '../../../src/persistence/stored-responses.ts'
import { journal } from '../../../src/persistence/journal.ts'
import { workspaceList } from '../../../src/persistence/workspace-list.ts'
import { workspaceStore } from '../../../src/persistence/workspace-store.ts'
import { systemClock } from '../../../src/workspace/clock.ts'
import { createSupervisor } from '../../../src/supervisor/supervisor.ts'
import { silentLog } from '../../silent-log.ts'
import { newDatabasePath } from '../test-service.ts'

it('rehydration reads at most 500 rows per turn, however many containers the engine reports', async () => {
  const path = newDatabasePath()
  const ids = seedDatabase(path, 3000)
  const database = openDatabase(path)
  const { db } = database
  const stored = workspaceStore(db)
  let readsInTurn = 0
  let maxPerTurn = 0
  const turns = setInterval(() => (readsInTurn = 0), 0)
  const supervisor = createSupervisor({
    store: {
      ...stored,
      byId(id) {
        readsInTurn += 1
        maxPerTurn = Math.max(maxPerTurn, readsInTurn)
        return stored.byId(id)
      },
    },
    journal: journal(db),
    storedResponses: storedResponses(db),
    list: workspaceList(db),
    templates: new Map(),
    defaultTemplate: 'base',
    provider: 'docker',
    providers: new Map([['docker', idleEngine(() => ids)]]),
    databaseFault: database.fault,
    checkpoint: database.checkpoint,
    clock: systemClock,
    log: silentLog,
    settings: { concurrency: 8, provisionerIntervalMs: 60_000, janitorIntervalMs: 60_000, journalDays: 30 },
  })
  try {
    await supervisor.rehydrated
    expect(maxPerTurn).toBeLessThanOrEqual(500)
  } finally {
    clearInterval(turns)
    await supervisor.close()
    database.close()
  }
})
