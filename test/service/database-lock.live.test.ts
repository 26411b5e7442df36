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

/** Starts a program that holds a transaction open on the database at `path`. Returns a function that ends it. */
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
  test('while the service runs causes changes to be rejected with the reason, blocks no request for long, and is recovered from when it is released', async () => {
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
    expect(performance.now() - startedAt).toBeLessThan(2_000) // a few times the 250 ms for which a write waits
    expect((await listWorkspaces(service)).map(({ name }) => name)).toEqual(['before'])
    await release()
    await expect.poll(() => readinessOf(service)).toMatchObject({ status: 200 })
    await createRunning(service, 'after')
  })

  test('at the start does not prevent the start, and is reported until it is released', async () => {
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

  test('that blocks even readers prevents the start with a message that says what to do', async () => {
    const { path, start, refusedStart } = serviceFixture(temporaryFolder())
    await (await start()).stop('SIGTERM')
    const release = await hold(path, 'DELETE')
    expect(await refusedStart()).toMatch(/database is locked.*Another program holds the file: stop that program/)
    await release()
    await createRunning(await start(), 'after')
  })
})

describe('one process per database', () => {
  const lockMessage = /^Another process is serving the database .*Stop it first, or .*VM_API_DB_PATH/

  test('a second service is refused while the first runs, and starts at once after the first was killed', async () => {
    const { path, start, refusedStart } = serviceFixture(temporaryFolder())
    const first = await start()
    const { id } = await createRunning(first, 'kept')
    expect(await refusedStart()).toMatch(lockMessage)
    await createRunning(first, 'meanwhile') // the first service is unaffected
    await first.stop('SIGKILL')
    expect(existsSync(`${path}.lock`)).toBe(true)
    expect((await listWorkspaces(await start())).map((workspace) => workspace.id)).toContain(id)
  })

  test('a second service is refused whatever path it uses, also through a link that was dangling at first', async () => {
    const [folder, elsewhere] = [temporaryFolder(), temporaryFolder()]
    mkdirSync(join(folder, 'real'))
    const real = serviceFixture(join(folder, 'real'))
    symlinkSync(real.path, join(elsewhere, 'vm.db'))
    symlinkSync(join(folder, 'real'), join(elsewhere, 'folder'))
    const linked = serviceFixture(elsewhere)
    const first = await linked.start()
    expect(await real.refusedStart()).toMatch(lockMessage)
    expect(await serviceFixture(join(elsewhere, 'folder')).refusedStart()).toMatch(lockMessage)
    await first.stop('SIGKILL')
    await real.start()
    expect(await linked.refusedStart()).toMatch(lockMessage)
  })

  test.each([
    ['has created its lock', 'vm.db.lock', 0],
    ['has opened the database', 'vm.db-wal', 0],
    ['migrates it', 'vm.db-wal', 1],
  ])('a service that is killed when it %s leaves nothing that prevents the next start', async (_, file, bytes) => {
    const folder = temporaryFolder()
    const { env, start, refusedStart } = serviceFixture(folder)
    const child = spawn(process.execPath, [serviceProgram], {
      env: { PATH: process.env['PATH'], HOME: process.env['HOME'], VM_API_BIND: '127.0.0.1:0', ...env },
      stdio: 'ignore',
    })
    const ended = once(child, 'exit')
    // Polled in a tight loop, because only the file shows the moment.
    while (sizeOf(join(folder, file)) < bytes && child.exitCode === null) await delay(1)
    child.kill('SIGKILL')
    await ended
    const next = await start()
    expect(await createWorkspace(next, 'at-last')).toMatchObject({ status: 200 })
    expect(await refusedStart()).toMatch(lockMessage)
  })
})

/** Size of a file in bytes; -1 if it does not exist. */
function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? -1
}
