import { readFileSync } from 'node:fs'
import Sqlite from 'better-sqlite3'
import { describe, expect, it, onTestFinished } from 'vitest'
import { chartOf, leavesOf } from '../../src/chart/chart.ts'
import { initialContext } from '../../src/machines/workspace-context.ts'
import { workspaceMachine } from '../../src/machines/workspace-machine.ts'
import { installationStore } from '../../src/persistence/installation.ts'
import type { JournalLine, StoredWorkspaceRow } from '../../src/persistence/workspace-row.ts'
import { migrations } from '../../src/persistence/migrations.ts'
import type { WorkspaceId } from '../../src/workspace/id.ts'
import { now, createRequest } from '../machines/transitions.ts'
import { fakeEngine } from '../provider/fake/fake-provider.ts'
import { settle, simulatedClock } from '../supervisor/simulated-clock.ts'
import { ann, newDatabasePath, root, startServiceOn } from '../supervisor/test-service.ts'
import { goldenFile, storedVersions, currentVersions } from './golden-files.ts'
import { fullSpec } from './full-spec.ts'
import { damagedRows } from './golden-rows.ts'
import { loadDatabase, schemaOf } from './database-sql.ts'

// Opens the databases of every earlier version with this one.

const files = storedVersions().map((versions) => ({ ...versions, file: goldenFile(versions) }))
const instructions =
  'The stored form has changed. Add an upgrade at the end of the list in src/machines/snapshot-upgrades.ts (or a migration to src/persistence/migrations.ts), then run: npx tsx test/golden/write.ts'

/** Opens a copy of a golden database for reading. */
function golden(file: string): Sqlite.Database {
  const path = newDatabasePath()
  loadDatabase(path, readFileSync(file, 'utf8'))
  const db = new Sqlite(path, { readonly: true })
  onTestFinished(() => void db.close())
  return db
}

const rowsOf = (db: Sqlite.Database) =>
  db
    .prepare<[], Pick<StoredWorkspaceRow, 'id' | 'name' | 'owner' | 'snapshot'>>(
      'SELECT * FROM workspaces ORDER BY seq',
    )
    .all()

/** Starts a service on a copy of a golden database, with an engine that has none of its containers. */
function startOnGolden(file: string) {
  const path = newDatabasePath()
  loadDatabase(path, readFileSync(file, 'utf8'))
  const clock = simulatedClock(now)
  const providers: Parameters<typeof startServiceOn>[2] = {
    providers: (engine) => [engine.provider('here', 'docker'), engine.provider('there', 'process')],
  }
  return { ...startServiceOn(path, fakeEngine(), { ...providers, clock }), clock }
}

describe.each(files)('a database of schema $schema and statechart $machine', ({ schema, machine, file }) => {
  it('every row of a golden database is restored or quarantined as recorded, and settles', async () => {
    const rows = rowsOf(golden(file))
    const { clock, supervisor, ...service } = startOnGolden(file)
    const stateOf = (id: WorkspaceId) => {
      const view = supervisor.find(id, root)
      return view?.kind === 'quarantined' ? `quarantined, ${view.reason}` : service.state(id)
    }
    const stored = rows.map(({ id }) => stateOf(id)) // before anything resumes
    await settle()
    await supervisor.rehydrated
    await clock.advance(40 * 60_000)
    const page = rows.map(({ id, name, owner }, n) => `${owner}/${name}: ${stored[n]} → ${stateOf(id)}\n`)
    await expect(page.join('')).toMatchFileSnapshot(file.replace(/\.sql$/, '.txt'))
  })

  it('an upgrade of a golden database keeps histories, idempotency keys and the installation', async () => {
    const before = golden(file)
    const { supervisor, database, storedResponses } = startOnGolden(file)
    expect(installationStore(database.db).id()).toBe('0123456789ab')
    expect(installationStore(database.db).provider()).toBe('docker')
    const ids = before.prepare<[], WorkspaceId>('SELECT DISTINCT workspace FROM journal').pluck().all()
    const lines = before.prepare<[string], JournalLine>(
      `SELECT seq, at, event, from_state AS "from", to_state AS "to", by, reason, ${schema < 3 ? 'tries AS attempts' : 'attempts'} FROM journal WHERE workspace = ? ORDER BY seq`,
    )
    expect(ids.length).toBeGreaterThan(0)
    for (const id of ids)
      expect(supervisor.history(id, root, 0, 1000)).toEqual(
        lines.all(id).map((line) => ({ ...line, event: presentEvent(line.event) })),
      )
    const keys = before.prepare<[], { key: string; response: string; fingerprint: string }>(
      `SELECT key, fingerprint, ${schema < 3 ? 'answer AS response' : 'response'} FROM idempotency`,
    )
    expect(keys.all().length).toBeGreaterThan(0)
    for (const { key, response, fingerprint } of keys.all()) {
      expect(storedResponses.find(ann.owner, key, 0)).toEqual({ response, fingerprint })
      const request = { name: 'again', template: null, ttlSeconds: null, metadata: null }
      const idempotency = { key, fingerprint, renderResponse: () => 'another' }
      expect(await supervisor.create(request, ann, idempotency)).toEqual({ kind: 'replayed', response })
    }
  })

  it('a golden database has the schema of its migrations and upgrades to the newest: no released migration was edited', () => {
    const fresh = new Sqlite(':memory:')
    onTestFinished(() => void fresh.close())
    for (const { sql } of migrations.slice(0, schema)) fresh.exec(sql)
    expect(schemaOf(golden(file))).toEqual(schemaOf(fresh))
    for (const { sql } of migrations.slice(schema)) fresh.exec(sql)
    expect(schemaOf(startOnGolden(file).database.db)).toEqual(schemaOf(fresh))
  })

  it.runIf(machine === currentVersions.machine)('every readable row is restored with every stored field', () => {
    const service = startOnGolden(file)
    const readable = rowsOf(golden(file)).filter(({ name }) => !(name in damagedRows))
    expect(readable.length).toBeGreaterThan(0)
    for (const { id, snapshot } of readable)
      expect(service.find(id, root)).toMatchObject({ kind: 'live', snapshot: JSON.parse(snapshot) })
  })
})

describe('the newest golden database', () => {
  const newest = files.at(-1)?.file ?? ''

  it('the newest golden database has the current schema and statechart version', () => {
    expect(storedVersions().at(-1), instructions).toEqual(currentVersions)
  })

  it('the newest golden database has a row in every state of the chart, and a deleted workspace', () => {
    const db = golden(newest)
    const states = db.prepare<[], string>('SELECT DISTINCT to_state FROM journal').pluck().all()
    const leaves = leavesOf(chartOf(workspaceMachine)).map(({ id }) => id)
    const names = new Set(rowsOf(db).map(({ name }) => name))
    const stored = leaves.filter((id) => names.has(id) || (id === 'deleted' && states.includes(id)))
    expect(stored.toSorted(), instructions).toEqual(leaves.toSorted())
    expect(states.toSorted(), instructions).toEqual(leaves.toSorted())
  })

  it('the newest golden database has exactly the fields of the current context', () => {
    const row = rowsOf(golden(newest)).find(({ name }) => name === 'running.up.full')
    const { context } = JSON.parse(row?.snapshot ?? '{}') as { context: object }
    const fresh = initialContext({ ...createRequest, spec: fullSpec })
    expect(fieldsOf(context), instructions).toEqual(fieldsOf(fresh))
  })
})

/** Returns the present name of an event that an older schema recorded. */
function presentEvent(event: string): string {
  return event
    .replace(/^amend$/, 'update')
    .replace(/^halt\./, 'stop.')
    .replace(/^destroy\./, 'remove.')
}

/** Returns the names of an object's fields, including those of the spec and its limits. */
function fieldsOf(of: object, path = ''): readonly string[] {
  const inner = ['spec', 'limits']
  return Object.entries(of)
    .flatMap(([key, value]: [string, unknown]) => [
      `${path}${key}`,
      ...(inner.includes(key) ? fieldsOf(Object(value), `${path}${key}.`) : []),
    ])
    .toSorted()
}
