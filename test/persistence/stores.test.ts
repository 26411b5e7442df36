import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { openDatabase } from '../../src/persistence/database.ts'
import { databaseStores } from '../../src/persistence/stores.ts'
import { temporaryFolder } from './temporary-folder.ts'

test('every method of every store reports its failure to the database', () => {
  const database = openDatabase(join(temporaryFolder(), 'vm.db'))
  onTestFinished(() => database.close())
  let reports = 0
  const stores = databaseStores({ ...database, reportFailure: () => void (reports += 1) })
  database.db.close()
  const methods: [name: string, method: unknown][] = Object.entries(stores).flatMap(([name, store]) =>
    typeof store === 'function'
      ? [[name, store]]
      : Object.entries(store).map(([verb, method]): [string, unknown] => [`${name}.${verb}`, method]),
  )
  const records = [{ row: { id: 'a', revision: 1, snapshot: '{}' }, final: false, line: null }]
  const silent = methods.filter(([, method]) => {
    const before = reports
    try {
      if (typeof method === 'function') Reflect.apply(method, undefined, [records, 1, 1])
    } catch {
      // `commit` returns its failures; every other method throws
    }
    return reports === before
  })
  expect(silent.map(([name]) => name)).toEqual([])
  expect(methods.length).toBeGreaterThan(20)
})
