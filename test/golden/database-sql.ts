import Sqlite from 'better-sqlite3'
import type { Database } from 'better-sqlite3'

// Databases as SQL text: a golden file has a readable diff, and every SQLite version can load it.

/** SQLite creates these tables itself. */
const isUserTable = `name NOT LIKE 'sqlite\\_%' ESCAPE '\\'`

/** Dumps a database with schema and version. The same database always gives the same text. */
export function dumpDatabase(db: Database): string {
  const tables = db
    .prepare<[], string>(`SELECT name FROM sqlite_schema WHERE type = 'table' AND ${isUserTable} ORDER BY rowid`)
    .pluck()
    .all()
  return [
    `PRAGMA user_version = ${Number(db.pragma('user_version', { simple: true }))};`,
    ...schemaOf(db).map((sql) => `${sql};`),
    ...tables.flatMap((table) => insertsOf(db, table)),
    'DELETE FROM sqlite_sequence;',
    ...insertsOf(db, 'sqlite_sequence'),
    '',
  ].join('\n')
}

/** The statements that create each table and index, in order of creation. */
export function schemaOf(db: Database): readonly string[] {
  return db
    .prepare<[], string>(`SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND ${isUserTable} ORDER BY rowid`)
    .pluck()
    .all()
}

function insertsOf(db: Database, table: string): readonly string[] {
  const columns = db.prepare<[string], string>('SELECT name FROM pragma_table_info(?)').pluck().all(table)
  const values = columns.map((column) => `quote("${column}")`).join(` || ', ' || `)
  const order = table === 'sqlite_sequence' ? 'name' : '1'
  const rows = db.prepare<[], string>(`SELECT ${values} FROM "${table}" ORDER BY ${order}`).pluck().all()
  return rows.map((row) => `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${row});`)
}

/** Creates the database at `path` from its SQL. */
export function loadDatabase(path: string, sql: string): void {
  const db = new Sqlite(path)
  db.exec(`BEGIN; ${sql} COMMIT`)
  db.close()
}
