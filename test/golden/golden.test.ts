import { readFileSync } from 'node:fs'
import Sqlite from 'better-sqlite3'
import { describe, expect, it, onTestFinished } from 'vitest'
import { chartOf, leavesOf } from '../../src/chart/chart.ts'
import { newWorkspace } from '../../src/machines/workspace-context.ts'
import { workspaceMachine } from '../../src/machines/workspace-machine.ts'
import { installation } from '../../src/persistence/installation.ts'
import type { JournalLine, StoredRow } from '../../src/persistence/workspace-row.ts'
import { migrations } from '../../src/persistence/migrations.ts'
import type { WorkspaceId } from '../../src/workspace/id.ts'
import { now, request } from '../machines/walk.ts'
import { fakeEngine } from '../provider/fake-provider.ts'
import { quiet, simulatedClock } from '../supervisor/simulated-clock.ts'
import { ann, newPath, root, startOn } from '../supervisor/world.ts'
import { fileOf, kept, present } from './files.ts'
import { fullRecipe } from './recipe.ts'
import { damages } from './rows.ts'
import { loaded, schemaOf } from './sql.ts'

// What this version makes of the databases of every version before it.

const files = kept().map((versions) => ({ ...versions, file: fileOf(versions) }))
const whatToDo =
  'The stored form has changed. Add an upgrade at the end of the list in src/machines/workspace-version.ts (or a migration to src/persistence/migrations.ts), then run: npx tsx test/golden/write.ts'

/** The rows of a golden database, in order of creation, as they are stored. */
function golden(file: string): Sqlite.Database {
  const path = newPath()
  loaded(path, readFileSync(file, 'utf8'))
  const db = new Sqlite(path, { readonly: true })
  onTestFinished(() => void db.close())
  return db
}

const rowsOf = (db: Sqlite.Database) =>
  db.prepare<[], Pick<StoredRow, 'id' | 'name' | 'owner' | 'snapshot'>>('SELECT * FROM workspaces ORDER BY seq').all()

/** This version on a copy of a golden database, over an engine that has none of its containers. */
function startOnGolden(file: string) {
  const path = newPath()
  loaded(path, readFileSync(file, 'utf8'))
  const clock = simulatedClock(now)
  const providers: Parameters<typeof startOn>[2] = {
    providers: (engine) => [engine.provider('here', 'docker'), engine.provider('there', 'process')],
  }
  return { ...startOn(path, fakeEngine(), { ...providers, clock }), clock }
}

describe.each(files)('a database of schema $schema and statechart $machine', ({ schema, machine, file }) => {
  it('is opened, each row lives or is set aside as its page says, and comes to rest', async () => {
    const rows = rowsOf(golden(file))
    const { clock, supervisor, ...service } = startOnGolden(file)
    const told = (id: WorkspaceId) => {
      const found = supervisor.look(id, root)
      return found?.kind === 'unreadable' ? `set aside, ${found.why}` : service.state(id)
    }
    const stored = rows.map(({ id }) => told(id)) // before anything was told to go on
    await quiet()
    await supervisor.rehydrated
    await clock.pass(40 * 60_000)
    const page = rows.map(({ id, name, owner }, n) => `${owner}/${name}: ${stored[n]} → ${told(id)}\n`)
    await expect(page.join('')).toMatchFileSnapshot(file.replace(/\.sql$/, '.txt'))
  })

  it('keeps histories, idempotency keys and the installation', async () => {
    const before = golden(file)
    const { supervisor, database, answers } = startOnGolden(file)
    expect(installation(database.db).id()).toBe('0123456789ab')
    expect(installation(database.db).provider()).toBe('docker')
    const ids = before.prepare<[], WorkspaceId>('SELECT DISTINCT workspace FROM journal').pluck().all()
    const lines = before.prepare<[string], JournalLine>(
      'SELECT seq, at, event, from_state AS "from", to_state AS "to", by, reason, tries FROM journal WHERE workspace = ? ORDER BY seq',
    )
    expect(ids.length).toBeGreaterThan(0)
    for (const id of ids) expect(supervisor.history(id, root, 0, 1000)).toEqual(lines.all(id))
    const keys = before.prepare<[], { key: string; answer: string; fingerprint: string }>('SELECT * FROM idempotency')
    expect(keys.all().length).toBeGreaterThan(0)
    for (const { key, answer, fingerprint } of keys.all()) {
      expect(answers.find(ann.owner, key, 0)).toEqual({ answer, fingerprint })
      const wish = { name: 'again', template: null, ttlSeconds: null, metadata: null }
      const once = { key, fingerprint, answer: () => 'another' }
      expect(await supervisor.create(wish, ann, once)).toEqual({ kind: 'repeated', answer })
    }
  })

  it('has the schema that the migrations up to it make, and gets the newest: none was edited after its release', () => {
    const made = new Sqlite(':memory:')
    onTestFinished(() => void made.close())
    for (const { sql } of migrations.slice(0, schema)) made.exec(sql)
    expect(schemaOf(golden(file))).toEqual(schemaOf(made))
    for (const { sql } of migrations.slice(schema)) made.exec(sql)
    expect(schemaOf(startOnGolden(file).database.db)).toEqual(schemaOf(made))
  })

  it.runIf(machine === present.machine)('lives as it was stored, to the last field', () => {
    const service = startOnGolden(file)
    const readable = rowsOf(golden(file)).filter(({ name }) => !(name in damages))
    expect(readable.length).toBeGreaterThan(0)
    for (const { id, snapshot } of readable)
      expect(service.look(id, root)).toMatchObject({ kind: 'readable', snapshot: JSON.parse(snapshot) })
  })
})

describe('the newest golden database', () => {
  const newest = files.at(-1)?.file ?? ''

  it('is of this version’s schema and statechart', () => {
    expect(kept().at(-1), whatToDo).toEqual(present)
  })

  it('has a row in every state of the chart, and one that was deleted', () => {
    const db = golden(newest)
    const states = db.prepare<[], string>('SELECT DISTINCT to_state FROM journal').pluck().all()
    const leaves = leavesOf(chartOf(workspaceMachine)).map(({ id }) => id)
    const names = new Set(rowsOf(db).map(({ name }) => name))
    const stored = leaves.filter((id) => names.has(id) || (id === 'deleted' && states.includes(id)))
    expect(stored.toSorted(), whatToDo).toEqual(leaves.toSorted())
    expect(states.toSorted(), whatToDo).toEqual(leaves.toSorted())
  })

  it('has every field that a workspace remembers, and no other', () => {
    const row = rowsOf(golden(newest)).find(({ name }) => name === 'running.up.full')
    const { context } = JSON.parse(row?.snapshot ?? '{}') as { context: object }
    const fresh = newWorkspace({ ...request, recipe: fullRecipe })
    expect(fieldsOf(context), whatToDo).toEqual(fieldsOf(fresh))
  })
})

/** The names of an object's fields, those of the recipe and its limits too. */
function fieldsOf(of: object, path = ''): readonly string[] {
  const inner = ['recipe', 'limits']
  return Object.entries(of)
    .flatMap(([key, value]: [string, unknown]) => [
      `${path}${key}`,
      ...(inner.includes(key) ? fieldsOf(Object(value), `${path}${key}.`) : []),
    ])
    .toSorted()
}
