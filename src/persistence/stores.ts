import type { OpenDatabase } from './database.ts'
import { execLog } from './exec-log.ts'
import { journal } from './journal.ts'
import { lifecycleOutputStore } from './lifecycle-output-store.ts'
import { storedResponses } from './stored-responses.ts'
import { workspaceList } from './workspace-list.ts'
import { workspaceStore } from './workspace-store.ts'

/** Every store of `database`. A failed read or write is reported to the database, and readiness then shows it. */
export function databaseStores({ db, writeBlocked, reportFailure }: OpenDatabase) {
  return {
    store: workspaceStore(db, writeBlocked, reportFailure),
    list: workspaceList(db, reportFailure),
    journal: journal(db, reportFailure),
    storedResponses: storedResponses(db, reportFailure),
    execLog: execLog(db, writeBlocked, reportFailure),
    lifecycleOutput: lifecycleOutputStore(db, reportFailure),
  }
}
