import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { DatabaseError } from '../../src/persistence/database-error.ts'
import type { OpenDatabase } from '../../src/persistence/database.ts'
import { openDatabase } from '../../src/persistence/database.ts'
import { openInProcess } from './database-process.ts'
import { fileModeOf, temporaryFolder } from './temporary-folder.ts'

function open(path: string): OpenDatabase {
  const database = openDatabase(path)
  onTestFinished(() => database.close())
  return database
}

function refusalOf(path: string): string {
  try {
    openDatabase(path).close()
  } catch (error) {
    if (error instanceof DatabaseError) return error.message
    throw error
  }
  return 'it was opened'
}

describe('opening a database', () => {
  it('creates folder and file with access for the owner only, in WAL mode with a full sync', () => {
    const folder = join(temporaryFolder(), 'deep', 'er')
    const path = join(folder, 'vm.db')
    const { db } = open(path)
    db.exec('CREATE TABLE t (x)')
    expect([fileModeOf(folder), fileModeOf(join(folder, '..'))]).toEqual(['0700', '0700'])
    expect(readdirSync(folder).toSorted()).toEqual(['vm.db', 'vm.db-shm', 'vm.db-wal', 'vm.db.lock'])
    for (const file of readdirSync(folder)) expect([file, fileModeOf(join(folder, file))]).toEqual([file, '0600'])
    expect(db.pragma('journal_mode', { simple: true })).toBe('wal')
    expect(db.pragma('synchronous', { simple: true })).toBe(2) // FULL
  })

  it('removes the access of other users to an existing file', () => {
    const path = join(temporaryFolder(), 'vm.db')
    open(path).close()
    chmodSync(path, 0o644)
    open(path)
    expect(fileModeOf(path)).toBe('0600')
  })

  it('refuses a file that is not a database, and leaves the file unchanged', () => {
    const path = join(temporaryFolder(), 'vm.db')
    writeFileSync(path, 'a letter to a friend, rather longer than a header of SQLite'.repeat(9))
    expect(refusalOf(path)).toMatch(/not an SQLite database.*VM_API_DB_PATH/s)
    expect(readFileSync(path, 'utf8')).toMatch(/^a letter/)
    expect(existsSync(`${path}-wal`)).toBe(false)
  })

  it('refuses a folder', () => {
    const path = join(temporaryFolder(), 'vm.db')
    mkdirSync(path)
    expect(refusalOf(path)).toMatch(/is not a file.*VM_API_DB_PATH/)
  })

  it('refuses a path below a file, with the reason', () => {
    const file = join(temporaryFolder(), 'file')
    writeFileSync(file, '')
    expect(refusalOf(join(file, 'vm.db'))).toMatch(/cannot be used.*(ENOTDIR|EEXIST)/)
  })

  it('refuses a damaged file, with the next step', () => {
    const path = join(temporaryFolder(), 'vm.db')
    const { db, close } = openDatabase(path)
    const insert = db.prepare(
      `INSERT INTO journal (workspace, owner, at, event, to_state, by, revision) VALUES (?, 'o', 1, 'e', 't', 'b', 1)`,
    )
    for (let n = 0; n < 500; n += 1) insert.run(`w${n}`.repeat(20))
    close()
    const bytes = readFileSync(path)
    bytes.fill(0x5a, 5 * 4096, 6 * 4096)
    writeFileSync(path, bytes)
    expect(refusalOf(path)).toMatch(/damaged.*backup/is)
  })

  it('refuses a read-only file, and does not make it writable', async () => {
    const folder = temporaryFolder()
    const path = join(folder, 'vm.db')
    openDatabase(path).close()
    chmodSync(path, 0o444)
    chmodSync(folder, 0o777)
    const root = process.getuid?.() === 0
    if (root) chmodSync(`${path}.lock`, 0o666)
    // Root may always write, so another user tries.
    const { message } = root ? await openInProcess(path, 65_534) : { message: refusalOf(path) }
    expect(message).toMatch(/cannot be used.*EACCES.*owner and mode/s)
    expect(fileModeOf(path)).toBe('0444')
  })

  it('holds no lock after a refusal', () => {
    const path = join(temporaryFolder(), 'vm.db')
    open(path).close()
    const intact = readFileSync(path)
    writeFileSync(path, 'nonsense'.repeat(1000))
    expect(refusalOf(path)).toMatch(/not an SQLite database/)
    writeFileSync(path, intact)
    expect(refusalOf(path)).toBe('it was opened')
  })

  it('reports a removed or replaced file while it is open', () => {
    const path = join(temporaryFolder(), 'vm.db')
    const database = open(path)
    expect(database.fault()).toBeNull()
    renameSync(path, `${path}.away`)
    expect(database.fault()).toMatch(/removed or replaced.*restart/)
  })

  it('finds a history by its index, even if the database was nearly empty when it was closed', () => {
    const path = join(temporaryFolder(), 'vm.db')
    const first = openDatabase(path)
    const insert = `INSERT INTO journal (workspace, owner, at, event, to_state, by, revision) VALUES ('w', 'o', 1, 'e', 't', 'b', 1)`
    const history = 'SELECT at FROM journal WHERE workspace = ? AND seq > 0 ORDER BY seq'
    for (let n = 0; n < 7; n += 1) first.db.exec(insert)
    first.db.prepare(history).all('w')
    first.close()
    const plan = open(path).db.prepare(`EXPLAIN QUERY PLAN ${history}`).all('w')
    expect(JSON.stringify(plan)).toContain('journal_workspace')
  })

  it('can be closed on a full disk', () => {
    const database = open(join(temporaryFolder(), 'vm.db'))
    database.db.pragma(`max_page_count = ${Number(database.db.pragma('page_count', { simple: true }))}`)
    expect(() => database.close()).not.toThrow()
  })
})

describe('law 10: one process per database', () => {
  it('a second process is refused with the reason and the next step, also through a link, until the first is killed', async () => {
    const path = join(temporaryFolder(), 'vm.db')
    const first = await openInProcess(path)
    expect(first.message).toBe('open')
    expect((await openInProcess(path)).message).toMatch(
      /^Another process is serving the database .*Stop it first, or .*VM_API_DB_PATH/,
    )
    const link = join(temporaryFolder(), 'link.db')
    symlinkSync(path, link)
    expect(refusalOf(link)).toMatch(/Another process/)
    first.child.kill('SIGKILL')
    await first.exited
    expect((await openInProcess(path)).message).toBe('open')
  })

  it('a second connection in the same process is refused, and the first keeps working', () => {
    const path = join(temporaryFolder(), 'vm.db')
    const { db } = open(path)
    expect(refusalOf(path)).toMatch(/Another process/)
    expect(() => db.exec('CREATE TABLE t (x)')).not.toThrow()
    expect(refusalOf(path)).toMatch(/Another process/) // the refused attempt did not release the lock
  })
})
