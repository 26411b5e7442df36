import { expect, it } from 'vitest'
import { engineAtRest } from '../../bench/child/engine-at-rest.ts'
import { seed } from '../../bench/seed.ts'
import { openDatabase } from '../../src/persistence/database.ts'
import { keptAnswers } from '../../src/persistence/idempotency.ts'
import { journal } from '../../src/persistence/journal.ts'
import { workspaceList } from '../../src/persistence/workspace-list.ts'
import { workspaceStore } from '../../src/persistence/workspace-store.ts'
import { systemClock } from '../../src/supervisor/clock.ts'
import { supervise } from '../../src/supervisor/supervisor.ts'
import { silentLog } from '../engine/silent-log.ts'
import { newPath } from './world.ts'

it('An engine with a great many containers holds nobody up while their workspaces come back', async () => {
  const path = newPath()
  const ids = seed(path, 3000)
  const database = openDatabase(path)
  const { db } = database
  const stored = workspaceStore(db)
  let inThisTurn = 0
  let most = 0
  const turns = setInterval(() => (inThisTurn = 0), 0)
  const supervisor = supervise({
    store: {
      ...stored,
      byId(id) {
        inThisTurn += 1
        most = Math.max(most, inThisTurn)
        return stored.byId(id)
      },
    },
    journal: journal(db),
    answers: keptAnswers(db),
    list: workspaceList(db),
    templates: new Map(),
    defaultTemplate: 'base',
    provider: 'docker',
    providers: new Map([['docker', engineAtRest(() => ids)]]),
    databaseTrouble: database.trouble,
    checkpoint: database.checkpoint,
    clock: systemClock,
    log: silentLog,
    settings: { concurrency: 8, provisionerIntervalMs: 60_000, janitorIntervalMs: 60_000, journalDays: 30 },
  })
  try {
    await supervisor.rehydrated
    expect(most).toBeLessThanOrEqual(500)
  } finally {
    clearInterval(turns)
    await supervisor.close()
    database.close()
  }
})
