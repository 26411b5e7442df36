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

// The disk under the database, for real: the service is a process of its own, its disk is a mount of the test's own.

const notWritten = { status: 503, body: { code: 'not-written' } }
const notReady = (error: RegExp) => ({
  status: 503,
  body: { status: 'not_ready', database: 'disconnected', error: expect.stringMatching(error) },
})
const ready = { status: 200, body: { status: 'ready', database: 'connected' } }
/** Fills a megabyte in a dozen creates. */
const metadata = { text: 'much '.repeat(2400) }

/** Creates until that is refused. Answers the ids of what was acknowledged. */
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
  test('that is full loses no acknowledged create, says so before and after a kill, and all run when there is room', async () => {
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
    acknowledged.push(...(await createUntilFull(second))) // what the crash left of the log is room
    expect(await readinessOf(second)).toMatchObject(notReady(/disk is full/i))
    expect(await idsOf(second)).toEqual(acknowledged.toSorted())
    expect((await fetch(`${second.url}/health`)).status).toBe(200)

    disk.clear()
    for (const id of acknowledged) await waitUntilRunning(second, id)
    // Its look at the database is a moment old.
    await expect.poll(() => readinessOf(second)).toMatchObject(ready)
    expect(await createWorkspace(second, 'more')).toMatchObject({ status: 200 })
  })

  test('that has no room for a create is not called ready because a few bytes still fit', async () => {
    const disk = newDisk()
    const service = await serviceFixture(disk.folder).start()
    await expect.poll(() => readinessOf(service)).toMatchObject(ready) // its engine answers a moment after the start
    disk.fill(24 * 1024)
    expect(await createWorkspace(service, 'too-large', { metadata })).toMatchObject(notWritten)
    expect(await readinessOf(service)).toMatchObject(notReady(/disk is full/i))
    disk.clear()
    await expect.poll(() => readinessOf(service)).toMatchObject(ready)
  })

  test.each([16, 80, 92])(
    'that has %i KiB left at the first start ends it with what to do, and the next one with room is as if nothing had been',
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

  test('that is mounted read-only at the start ends it with what to do, and changes nothing', async () => {
    const disk = newDisk()
    const nowhere = { VM_API_PROVIDER: 'docker', DOCKER_HOST: `unix://${disk.folder}/none.sock` }
    const { path, start, refusedStart } = serviceFixture(disk.folder, nowhere)
    const first = await start()
    const { body } = await createWorkspace(first, 'kept')
    await first.stop('SIGKILL') // what was acknowledged is in the log
    disk.remount('ro')
    const [before, log] = [readFileSync(path), readFileSync(`${path}-wal`)]
    expect(await refusedStart()).toMatch(/read-only.*mount it writable/)
    expect(readFileSync(path).equals(before) && readFileSync(`${path}-wal`).equals(log)).toBe(true)
    disk.remount('rw')
    expect((await listWorkspaces(await start())).map(({ id }) => id)).toEqual([body.id])
  })

  test('that is read-only before there is a database says so', async () => {
    const disk = newDisk()
    disk.remount('ro')
    expect(await serviceFixture(disk.folder).refusedStart()).toMatch(/read-only.*mount it writable/)
  })
})

/** Can a file be made such that not even root, who has it open, writes to it? Not every file system knows how. */
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
  'a database file that takes no more writes',
  () => {
    test('while it is served is read on, refuses changes and says so, and goes on by itself when it takes them again', async () => {
      const { path, start } = serviceFixture(temporaryFolder())
      const service = await start()
      const { id } = await createRunning(service, 'before')
      const files = [path, `${path}-wal`]
      setImmutable('+', ...files)
      onTestFinished(() => setImmutable('-', ...files))
      expect(await createWorkspace(service, 'frozen')).toMatchObject(notWritten)
      expect(await callApi(service.url, 'alice', 'POST', `/workspaces/${id}/stop`)).toMatchObject(notWritten)
      expect(await readinessOf(service)).toMatchObject(notReady(/disk cannot be read or written.*check the disk and its mount/))
      expect((await listWorkspaces(service)).map(({ name, state }) => [name, state])).toEqual([
        ['before', 'running.up'],
      ])
      setImmutable('-', ...files)
      await expect.poll(() => readinessOf(service)).toMatchObject(ready)
      await createRunning(service, 'frozen')
    })
  },
)
