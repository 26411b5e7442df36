import { closeSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs'
import Sqlite from 'better-sqlite3'
import { expect, test } from 'vitest'
import type { ServiceProcess } from './service-process.ts'
import { callApi } from './service-process.ts'
import {
  createWorkspace,
  listWorkspaces,
  processCountOf,
  temporaryFolder,
  readinessOf,
  createRunning,
  serviceFixture,
} from './service-fixture.ts'

const pageSize = 4096
/** Data that a faulty disk may return instead of what was written. */
const garbage = Buffer.alloc(pageSize, 0x5a)

/** The first page of the table or index `name`. */
function rootOf(path: string, name: string): number {
  const db = new Sqlite(path, { readonly: true })
  try {
    const root = db.prepare<[string], number>('SELECT rootpage FROM sqlite_schema WHERE name = ?').pluck().get(name)
    if (root === undefined) throw new Error(`no table or index ${name}`)
    return root
  } finally {
    db.close()
  }
}

function damage(path: string, page: number) {
  const file = openSync(path, 'r+')
  writeSync(file, garbage, 0, pageSize, (page - 1) * pageSize)
  closeSync(file)
}

test.each(['workspaces', 'journal_workspace'])(
  'a damaged page of %s prevents the start with a message that says what to do, and the database file stays unchanged',
  async (name) => {
    const { path, start, refusedStart } = serviceFixture(temporaryFolder())
    const first = await start()
    const { id } = await createRunning(first, 'kept')
    await first.stop('SIGTERM')
    const good = readFileSync(path)
    damage(path, rootOf(path, name))
    const damaged = readFileSync(path)
    expect(await refusedStart()).toMatch(/damaged.*backup/is)
    expect(readFileSync(path).equals(damaged)).toBe(true)
    expect(processCountOf(id)).toBeGreaterThan(0) // the workspaces keep running
    writeFileSync(path, good) // the backup
    expect(await listWorkspaces(await start())).toMatchObject([{ id, state: 'running.up' }])
  },
)

const [early, late] = ['11111111-1111-4111-8111-111111111111', '22222222-2222-4222-8222-222222222222']
const historyOf = ({ url }: ServiceProcess, id: string) => callApi(url, 'alice', 'GET', `/workspaces/${id}/history`)

/** Two histories that lie far apart, in a file larger than SQLite's cache. */
function writeHistories(path: string) {
  const db = new Sqlite(path)
  const line = db.prepare(
    `INSERT INTO journal (workspace, owner, at, event, to_state, by, revision) VALUES (?, 'alice', 1, 'e', 'deleted', ?, 1)`,
  )
  db.transaction(() => {
    for (let n = 0; n < 20; n += 1) line.run(early, `mark-early-${'x'.repeat(1000)}`)
    for (let n = 0; n < 9000; n += 1) line.run(`other-${n}`, 'y'.repeat(3000))
    line.run(late, 'mark-late')
  })()
  db.close()
}

/** The first leaf page that contains the text. */
function leafWith(path: string, text: string): number {
  const bytes = readFileSync(path)
  for (let at = bytes.indexOf(text); at !== -1; at = bytes.indexOf(text, at + 1)) {
    const page = Math.floor(at / pageSize)
    if (bytes[page * pageSize] === 0x0d) return page + 1
  }
  throw new Error(`no page contains ${text}`)
}

test('a page that is damaged while the service runs is reported, affects no workspace, and blocks changes that a restored backup would lose', async () => {
  const { path, start, refusedStart } = serviceFixture(temporaryFolder(), { VM_API_JOURNAL_DAYS: '36500' })
  const first = await start()
  const { id } = await createRunning(first, 'kept')
  await first.stop('SIGTERM')
  writeHistories(path)
  const second = await start()
  await expect.poll(() => readinessOf(second)).toMatchObject({ status: 200 }) // the engine responds shortly after the start
  damage(path, leafWith(path, 'mark-early-'))
  expect(await historyOf(second, early)).toMatchObject({ status: 503, body: { code: 'not-read' } })

  expect(await readinessOf(second)).toMatchObject({
    status: 503,
    body: { database: 'disconnected', error: expect.stringMatching(/damaged.*restore a backup/) },
  })
  expect(await createWorkspace(second, 'lost')).toMatchObject({ status: 503, body: { code: 'not-written' } })
  expect(await callApi(second.url, 'alice', 'POST', `/workspaces/${id}/stop`)).toMatchObject({
    status: 503,
    body: { code: 'not-written' },
  })
  expect(await listWorkspaces(second)).toMatchObject([{ id, state: 'running.up' }])
  expect(await historyOf(second, late)).toMatchObject({ status: 200, body: [{ by: 'mark-late' }] })
  expect((await fetch(`${second.url}/health`)).status).toBe(200)
  expect(await second.stop('SIGTERM')).toBe(0)
  expect(processCountOf(id)).toBeGreaterThan(0)
  expect(await refusedStart()).toMatch(/damaged.*backup/is)
})
