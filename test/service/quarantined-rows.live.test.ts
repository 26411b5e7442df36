import { readFileSync } from 'node:fs'
import Sqlite from 'better-sqlite3'
import { expect, test } from 'vitest'
import { callApi } from './service-process.ts'
import {
  createWorkspace,
  listWorkspaces,
  processCountOf,
  temporaryFolder,
  readinessOf,
  createRunning,
  serviceFixture,
  waitUntilRunning,
} from './service-fixture.ts'
import { migrations } from '../../src/persistence/migrations.ts'

// Rows that were edited by hand, or written by a newer version, while no service was running.

type Context = Readonly<Record<string, unknown>>

/** By workspace name: the edited snapshot, and the reason that the service reports. */
const rowEdits: Readonly<Record<string, { readonly snapshot: (context: Context) => string; readonly why: RegExp }>> = {
  'no-json': { snapshot: () => '{"value": nonsense', why: /JSON/ },
  empty: { snapshot: () => '{}', why: /no state/ },
  'unknown-state': {
    snapshot: (context) => JSON.stringify({ value: { running: 'sideways' }, context }),
    why: /sideways.*not in the statechart/,
  },
  'lacks-a-field': {
    snapshot: (context) => JSON.stringify({ value: { running: 'up' }, context: { ...context, step: undefined } }),
    why: /no valid step/,
  },
  'number-for-a-text': {
    snapshot: (context) => JSON.stringify({ value: { running: 'up' }, context: { ...context, name: 7 } }),
    why: /no valid name/,
  },
}

function edit(path: string, statement: (db: Sqlite.Database) => void) {
  const db = new Sqlite(path)
  statement(db)
  db.close()
}

test('workspaces with an invalid snapshot, or one of a newer version, are failed with the reason and can be deleted, and the others run', async () => {
  const { path, start } = serviceFixture(temporaryFolder())
  const first = await start()
  const names = [...Object.keys(rowEdits), 'newer', 'good']
  const created = await Promise.all(names.map((name) => createRunning(first, name)))
  const idOf = (name: string) => created[names.indexOf(name)]?.id ?? ''
  await first.stop('SIGKILL')
  edit(path, (db) => {
    const read = db.prepare<[string], string>('SELECT snapshot FROM workspaces WHERE id = ?').pluck()
    const write = db.prepare('UPDATE workspaces SET snapshot = ? WHERE id = ?')
    for (const [name, { snapshot }] of Object.entries(rowEdits)) {
      const { context }: { context: Context } = JSON.parse(read.get(idOf(name)) ?? '')
      write.run(snapshot(context), idOf(name))
    }
    db.prepare('UPDATE workspaces SET machine = 99 WHERE id = ?').run(idOf('newer'))
  })

  const second = await start()
  await expect.poll(() => readinessOf(second)).toMatchObject({ status: 200 }) // the engine responds shortly after the start
  const byName = new Map((await listWorkspaces(second)).map((workspace) => [workspace.name, workspace]))
  for (const [name, why] of [
    ...Object.entries(rowEdits).map(([name, edit]) => [name, edit.why] as const),
    newer,
  ] as const)
    expect(byName.get(name)).toMatchObject({
      status: 'failed',
      can: ['delete'],
      error_message: expect.stringMatching(why),
    })
  expect(byName.get('good')).toMatchObject({ id: idOf('good'), state: 'running.up' })
  expect(processCountOf(idOf('newer'))).toBeGreaterThan(0)
  await callApi(second.url, 'alice', 'POST', `/workspaces/${idOf('good')}/restart`)
  await createRunning(second, 'another')
  await waitUntilRunning(second, idOf('good'))

  for (const name of names.filter((each) => each !== 'good')) {
    expect(await callApi(second.url, 'alice', 'DELETE', `/workspaces/${idOf(name)}`)).toMatchObject({ status: 200 })
    expect(processCountOf(idOf(name))).toBe(0)
    expect(await callApi(second.url, 'alice', 'GET', `/workspaces/${idOf(name)}`)).toMatchObject({ status: 404 })
  }
  expect(await createWorkspace(second, 'empty')).toMatchObject({ status: 200 }) // the name is available again
  expect((await listWorkspaces(second)).map(({ name }) => name).toSorted()).toEqual(['another', 'empty', 'good'])
})

const newer = ['newer', /version 99.*run the version that wrote it/is] as const

test('a database of a newer version prevents the start with a message that names the version, and stays unchanged', async () => {
  const { path, start, refusedStart } = serviceFixture(temporaryFolder())
  await (await start()).stop('SIGTERM')
  edit(path, (db) => db.pragma('user_version = 99'))
  const before = readFileSync(path)
  expect(await refusedStart()).toMatch(
    /schema version 99.*newer vm-api wrote it.*Run that version, or restore the backup/,
  )
  expect(readFileSync(path).equals(before)).toBe(true)
  edit(path, (db) => db.pragma(`user_version = ${migrations.length}`))
  await start()
})
