import type { OpenDatabase } from './database.ts'
import { execLog } from './exec-log.ts'
import { keptAnswers } from './idempotency.ts'
import { journal } from './journal.ts'
import { lifecycleOutput } from './lifecycle-output.ts'
import { workspaceList } from './workspace-list.ts'
import type { WrittenStep } from './workspace-row.ts'
import { workspaceStore } from './workspace-store.ts'

/** A step changes pages of a table and its indexes, and each is written whole. */
const pagesBytes = 40 * 1024

/** All that is kept in `database`, which is told of whatever goes wrong when it is read or written: readiness then says so. */
export function storesOf(database: OpenDatabase) {
  const { db, barred, failed } = database
  const store = heard(workspaceStore(db, barred), failed)
  const { list } = heard({ list: workspaceList(db) }, failed)
  return {
    list,
    journal: heard(journal(db), failed),
    answers: heard(keptAnswers(db), failed),
    runs: heard(execLog(db, barred), failed),
    output: heard(lifecycleOutput(db), failed),
    store: {
      ...store,
      keep(steps: readonly WrittenStep[]) {
        const lost = store.keep(steps)
        for (const { error } of lost.values()) failed(error, bytesOf(steps))
        return lost
      },
    },
  }
}

function bytesOf(steps: readonly WrittenStep[]): number {
  return steps.reduce((sum, { row }) => sum + row.snapshot.length, pagesBytes)
}

/** The same functions; `failed` is told of what they throw. */
function heard<T extends object>(functions: T, failed: (error: unknown) => void): T {
  return new Proxy(functions, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key)
      return typeof value === 'function' ? new Proxy(value, { apply }) : value
    },
  })

  function apply(run: Function, self: unknown, args: unknown[]): unknown {
    try {
      return Reflect.apply(run, self, args)
    } catch (error) {
      failed(error)
      throw error
    }
  }
}
