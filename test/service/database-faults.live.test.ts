import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { requirePrerequisite } from '../engine/require-engine.ts'
import type { ServiceProcess } from './service-process.ts'
import { callApi } from './service-process.ts'
import { canMountDisks, smallDisk } from './small-disk.ts'
import {
  createWorkspace,
  listWorkspaces,
  temporaryFolder,
  readinessOf,
  createRunning,
  serviceFixture,
  waitUntilRunning,
} from './service-fixture.ts'

// Real disk faults: the service is a separate process whose disk is mounted by the test.

const notWritten = { status: 503, body: { code: 'not-written' } }
const notReady = (error: RegExp) => ({
  status: 503,
  body: { status: 'not_ready', database: 'disconnected', error: expect.stringMatching(error) },
})
const ready = { status: 200, body: { status: 'ready', database: 'connected' } }
/** Large enough that a dozen creates fill a megabyte. */
const metadata = { text: 'much '.repeat(2400) }

/** Creates workspaces until a create is refused. Returns the ids of the acknowledged ones. */
async function createUntilFull(service: ServiceProcess): Promise<string[]> {
  const acknowledged: string[] = []
  for (;;) {
    const response = await createWorkspace(service, `full-${randomUUID()}`, { metadata })
    if (response.status !== 200) {
      expect(response).toMatchObject(notWritten)
      return acknowledged
    }
    acknowledged.push(response.body.id)
  }
}

const idsOf = async (service: ServiceProcess) => (await listWorkspaces(service)).map(({ id }) => id).toSorted()

function newDisk(megabytes = 1) {
  const disk = smallDisk(megabytes * 1024 * 1024)
  onTestFinished(() => disk.close())
  return disk
}

describe.skipIf(!requirePrerequisite(canMountDisks(), 'mount a small disk'))('a disk under the database', () => {
  test('that is full loses no acknowledged create, is reported before and after a kill, and all workspaces run once there is space', async () => {
    const disk = newDisk(16)
    const { start } = serviceFixture(disk.folder)
    const first = await start()
    disk.fill(400 * 1024)
    const acknowledged = await createUntilFull(first)
    expect(acknowledged.length).toBeGreaterThan(2)
    expect(await readinessOf(first)).toMatchObject(notReady(/disk is full.*free some space.*recovers by itself/i))
    expect(await idsOf(first)).toEqual(acknowledged.toSorted())
    await first.stop('SIGKILL')

    disk.fill() // to the last byte
    const second = await start()
    expect(await idsOf(second)).toEqual(acknowledged.toSorted())
    acknowledged.push(...(await createUntilFull(second))) // the crash has freed space in the log
    expect(await readinessOf(second)).toMatchObject(notReady(/disk is full/i))
    expect(await idsOf(second)).toEqual(acknowledged.toSorted())
    expect((await fetch(`${second.url}/health`)).status).toBe(200)

    disk.clear()
    for (const id of acknowledged) await waitUntilRunning(second, id)
    // The service checks the database periodically.
    await expect.poll(() => readinessOf(second)).toMatchObject(ready)
    expect(await createWorkspace(second, 'more')).toMatchObject({ status: 200 })
  })

  test('that has no space for a create is reported as not ready, even if a few bytes still fit', async () => {
    const disk = newDisk()
    const service = await serviceFixture(disk.folder).start()
    await expect.poll(() => readinessOf(service)).toMatchObject(ready) // the engine responds shortly after the start
    disk.fill(24 * 1024)
    expect(await createWorkspace(service, 'too-large', { metadata })).toMatchObject(notWritten)
    expect(await readinessOf(service)).toMatchObject(notReady(/disk is full/i))
    disk.clear()
    await expect.poll(() => readinessOf(service)).toMatchObject(ready)
  })

  test.each([16, 80, 92])(
    'that has %i KiB left prevents the first start with a message that says what to do, and does not affect a later start with space',
    async (kib) => {
      const disk = newDisk()
      const { start, refusedStart } = serviceFixture(disk.folder)
      disk.fill(kib * 1024)
      expect(await refusedStart()).toMatch(
        /disk is full: free some space\.( The previous vm-api can still use it\.)?\n$/i,
      )
      disk.clear()
      await createRunning(await start(), 'at-last')
    },
  )

  test('that is mounted read-only prevents the start with a message that says what to do, and nothing is changed', async () => {
    const disk = newDisk()
    const nowhere = { VM_API_PROVIDER: 'docker', DOCKER_HOST: `unix://${disk.folder}/none.sock` }
    const { path, start, refusedStart } = serviceFixture(disk.folder, nowhere)
    const first = await start()
    const { body } = await createWorkspace(first, 'kept')
    await first.stop('SIGKILL') // the acknowledged changes are in the log
    disk.remount('ro')
    const [before, log] = [readFileSync(path), readFileSync(`${path}-wal`)]
    expect(await refusedStart()).toMatch(/read-only.*mount it writable/)
    expect(readFileSync(path).equals(before) && readFileSync(`${path}-wal`).equals(log)).toBe(true)
    disk.remount('rw')
    expect((await listWorkspaces(await start())).map(({ id }) => id)).toEqual([body.id])
  })

  test('that is read-only before the database exists is reported', async () => {
    const disk = newDisk()
    disk.remount('ro')
    expect(await serviceFixture(disk.folder).refusedStart()).toMatch(/read-only.*mount it writable/)
  })
})

/** True if the file system supports files to which not even root, with the file open, can write. */
function canSetImmutable(): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'vm-api-frozen-'))
  const file = join(folder, 'file')
  try {
    writeFileSync(file, '')
    setImmutable('+', file)
    setImmutable('-', file)
    return true
  } catch {
    return false
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function setImmutable(flag: '+' | '-', ...files: readonly string[]) {
  execFileSync('chattr', [`${flag}i`, ...files], { stdio: 'pipe' })
}

describe.skipIf(!requirePrerequisite(canSetImmutable(), 'make a file immutable'))(
  'a database file that becomes immutable',
  () => {
    test('while the service runs is still read, rejects changes with the reason, and recovers by itself when it is writable again', async () => {
      const { path, start } = serviceFixture(temporaryFolder())
      const service = await start()
      const { id } = await createRunning(service, 'before')
      const files = [path, `${path}-wal`]
      setImmutable('+', ...files)
      onTestFinished(() => setImmutable('-', ...files))
      expect(await createWorkspace(service, 'frozen')).toMatchObject(notWritten)
      expect(await callApi(service.url, 'alice', 'POST', `/workspaces/${id}/stop`)).toMatchObject(notWritten)
      expect(await readinessOf(service)).toMatchObject(
        notReady(/disk cannot be read or written.*check the disk and its mount/),
      )
      expect((await listWorkspaces(service)).map(({ name, state }) => [name, state])).toEqual([
        ['before', 'running.up'],
      ])
      setImmutable('-', ...files)
      await expect.poll(() => readinessOf(service)).toMatchObject(ready)
      await createRunning(service, 'frozen')
    })
  },
)
