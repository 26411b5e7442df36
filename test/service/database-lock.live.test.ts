import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, statSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import { serviceProgram } from './service-process.ts'
import {
  createWorkspace,
  listWorkspaces,
  temporaryFolder,
  readinessOf,
  createRunning,
  serviceFixture,
  waitUntilRunning,
} from './service-fixture.ts'

const holder = `
const Database = require(process.argv[1])
const db = new Database(process.argv[2])
if (process.argv[3] !== undefined) db.pragma('journal_mode = ' + process.argv[3])
db.exec('BEGIN EXCLUSIVE')
console.log('held')
setInterval(() => undefined, 60_000)`

/** Another program that begins a transaction on the database at `path` and does not end it. Answers how it is ended. */
async function hold(path: string, journal?: string): Promise<() => Promise<void>> {
  const sqlite = join(import.meta.dirname, '../../node_modules/better-sqlite3')
  const args = [sqlite, path, ...(journal === undefined ? [] : [journal])]
  const child = spawn(process.execPath, ['-e', holder, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  const release = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }
  onTestFinished(release)
  await once(createInterface({ input: child.stdout }), 'line')
  return release
}

describe('a lock on the database that another program holds', () => {
  test('while it is served refuses changes and says so, blocks nobody for long, and all goes on when it is let go', async () => {
    const { path, start } = serviceFixture(temporaryFolder())
    const service = await start()
    await createRunning(service, 'before')
    const release = await hold(path)
    const refused = await Promise.all(['a', 'b', 'c'].map((name) => createWorkspace(service, name)))
    expect(refused.map(({ status, body }) => [status, body.code])).toEqual(refused.map(() => [503, 'not-written']))
    expect(await readinessOf(service)).toMatchObject({
      status: 503,
      body: { database: 'disconnected', error: expect.stringMatching(/Another program holds the file.*by itself/) },
    })
    const startedAt = performance.now()
    const [response] = await Promise.all([fetch(`${service.url}/health`), createWorkspace(service, 'd')])
    expect(response.status).toBe(200)
    expect(performance.now() - startedAt).toBeLessThan(2_000) // a few times the 250 ms that a write waits
    expect((await listWorkspaces(service)).map(({ name }) => name)).toEqual(['before'])
    await release()
    await expect.poll(() => readinessOf(service)).toMatchObject({ status: 200 })
    await createRunning(service, 'after')
  })

  test('at the start does not keep it from starting, and is said until it is let go', async () => {
    const { path, start } = serviceFixture(temporaryFolder())
    const first = await start()
    const { body } = await createWorkspace(first, 'cut-off')
    await first.stop('SIGKILL')
    const release = await hold(path)
    const second = await start()
    expect(await listWorkspaces(second)).toMatchObject([{ id: body.id }])
    expect(await readinessOf(second)).toMatchObject({ status: 503, body: { database: 'disconnected' } })
    await release()
    await waitUntilRunning(second, body.id)
  })

  test('that keeps even readers out at the start ends it with what to do', async () => {
    const { path, start, refusedStart } = serviceFixture(temporaryFolder())
    await (await start()).stop('SIGTERM')
    const release = await hold(path, 'DELETE')
    expect(await refusedStart()).toMatch(/database is locked.*Another program holds the file: stop that program/)
    await release()
    await createRunning(await start(), 'after')
  })
})

describe('one process per database', () => {
  const inTheWay = /^Another process is serving the database .*Stop it first, or .*VM_API_DB_PATH/

  test('a second service is refused while the first lives, and starts at once when that was killed', async () => {
    const { path, start, refusedStart } = serviceFixture(temporaryFolder())
    const first = await start()
    const { id } = await createRunning(first, 'kept')
    expect(await refusedStart()).toMatch(inTheWay)
    await createRunning(first, 'meanwhile') // the first has lost nothing by it
    await first.stop('SIGKILL')
    expect(existsSync(`${path}.lock`)).toBe(true)
    expect((await listWorkspaces(await start())).map((workspace) => workspace.id)).toContain(id)
  })

  test('a second service is refused by whatever way it comes to the file, also by a link that led nowhere at first', async () => {
    const [folder, elsewhere] = [temporaryFolder(), temporaryFolder()]
    mkdirSync(join(folder, 'real'))
    const real = serviceFixture(join(folder, 'real'))
    symlinkSync(real.path, join(elsewhere, 'vm.db'))
    symlinkSync(join(folder, 'real'), join(elsewhere, 'folder'))
    const linked = serviceFixture(elsewhere)
    const first = await linked.start()
    expect(await real.refusedStart()).toMatch(inTheWay)
    expect(await serviceFixture(join(elsewhere, 'folder')).refusedStart()).toMatch(inTheWay)
    await first.stop('SIGKILL')
    await real.start()
    expect(await linked.refusedStart()).toMatch(inTheWay)
  })

  test.each([
    ['has made its lock', 'vm.db.lock', 0],
    ['has opened the database', 'vm.db-wal', 0],
    ['migrates it', 'vm.db-wal', 1],
  ])(
    'a service that is killed when it %s leaves nothing that keeps the next one from starting',
    async (_, file, bytes) => {
      const folder = temporaryFolder()
      const { env, start, refusedStart } = serviceFixture(folder)
      const child = spawn(process.execPath, [serviceProgram], {
        env: { PATH: process.env['PATH'], HOME: process.env['HOME'], VM_API_BIND: '127.0.0.1:0', ...env },
        stdio: 'ignore',
      })
      const ended = once(child, 'exit')
      // Polled as fast as can be: it is the moment that counts, and nobody else tells of it.
      while (sizeOf(join(folder, file)) < bytes && child.exitCode === null) await delay(1)
      child.kill('SIGKILL')
      await ended
      const next = await start()
      expect(await createWorkspace(next, 'at-last')).toMatchObject({ status: 200 })
      expect(await refusedStart()).toMatch(inTheWay)
    },
  )
})

/** Of a file in bytes; -1 if it is not there. */
function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? -1
}
