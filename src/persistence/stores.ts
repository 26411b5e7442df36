import type { OpenDatabase } from './database.ts'
import { execLog } from './exec-log.ts'
import { storedResponses } from './stored-responses.ts'
import { journal } from './journal.ts'
import { lifecycleOutputStore } from './lifecycle-output-store.ts'
import { workspaceList } from './workspace-list.ts'
import type { TransitionRecord } from './workspace-row.ts'
import { workspaceStore } from './workspace-store.ts'

/** A step changes pages of a table and its indexes, and each is written whole. */
const rowOverheadBytes = 40 * 1024

/** All that is kept in `database`, which is told of whatever goes wrong when it is read or written: readiness then says so. */
export function databaseStores(database: OpenDatabase) {
  const { db, writeBlocked, reportFailure } = database
  const store = reportingFailures(workspaceStore(db, writeBlocked), reportFailure)
  const { list } = reportingFailures({ list: workspaceList(db) }, reportFailure)
  return {
    list,
    journal: reportingFailures(journal(db), reportFailure),
    storedResponses: reportingFailures(storedResponses(db), reportFailure),
    execLog: reportingFailures(execLog(db, writeBlocked), reportFailure),
    lifecycleOutput: reportingFailures(lifecycleOutputStore(db), reportFailure),
    store: {
      ...store,
      commit(records: readonly TransitionRecord[]) {
        const failedWrites = store.commit(records)
        for (const { error } of failedWrites.values()) reportFailure(error, batchBytes(records))
        return failedWrites
      },
    },
  }
}

function batchBytes(records: readonly TransitionRecord[]): number {
  return records.reduce((sum, { row }) => sum + row.snapshot.length, rowOverheadBytes)
}

/** The same functions; `failed` is told of what they throw. */
function reportingFailures<T extends object>(store: T, reportFailure: (error: unknown) => void): T {
  return new Proxy(store, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key)
      return typeof value === 'function' ? new Proxy(value, { apply }) : value
    },
  })

  function apply(method: Function, thisArg: unknown, args: unknown[]): unknown {
    try {
      return Reflect.apply(method, thisArg, args)
    } catch (error) {
      reportFailure(error)
      throw error
    }
  }
}
