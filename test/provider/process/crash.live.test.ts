import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { WorkspaceRef } from '../../../src/workspace/workspace-ref.ts'
import {
  connectionOf,
  createdWorkspace,
  newWorkspaceRef,
  containerStateOf,
  neverAborted,
  runningWorkspace,
  valueOf,
} from '../contract/provider-fixture.ts'
import { waitForExit, keepersOf, type ProcessFixture, processFixture, processesOf } from './process-fixture.ts'

const child = fileURLToPath(new URL('crash-child.mjs', import.meta.url))

/** Runs one verb in another service process, and kills that process after some milliseconds or when `after` resolves. */
async function killedService(
  fixture: ProcessFixture,
  verb: 'boot' | 'setup' | 'shell',
  workspace: WorkspaceRef,
  after: number | (() => Promise<void>),
): Promise<void> {
  const given = JSON.stringify({ root: fixture.root, path: process.env['PATH'], verb, workspace })
  const service = spawn(process.execPath, [child, given], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(service, 'exit')
  await once(service.stdout, 'data')
  // The tests vary the moment of the crash.
  await (typeof after === 'number' ? delay(after) : after())
  service.kill('SIGKILL')
  await ended
}

describe.skipIf(process.platform !== 'linux')('A service that is killed', () => {
  let fixture: ProcessFixture
  beforeEach(async () => {
    fixture = await processFixture()
  })
  afterEach(() => fixture.close())

  it('leaves exactly one keeper after a second boot, whenever it was killed in the first', {
    timeout: 120_000,
  }, async () => {
    for (let round = 0; round < 20; round += 1) {
      const workspace = await createdWorkspace(fixture.provider, newWorkspaceRef(fixture.newSpec()))
      await killedService(fixture, 'boot', workspace, 10 + round * 2)
      const { connection } = valueOf(await fixture.provider.boot(workspace, neverAborted()))
      await expectOneKeeper(workspace)
      expect(keepersOf(workspace.id)[0]?.pid).toBe(connection['pid'])
    }
  })

  it('leaves nothing running after a stop, whenever it was killed in the boot before', {
    timeout: 120_000,
  }, async () => {
    for (let round = 0; round < 10; round += 1) {
      const workspace = await createdWorkspace(fixture.provider, newWorkspaceRef(fixture.newSpec()))
      await killedService(fixture, 'boot', workspace, 10 + round * 4)
      valueOf(await fixture.provider.stop(workspace, neverAborted()))
      for (const { pid } of processesOf(workspace.id)) await waitForExit(pid)
      expect(await containerStateOf(fixture.provider, workspace.id)).not.toBe('running')
    }
  })

  it('leaves its workspaces running, and the next service finds them by pid and start time', async () => {
    const workspace = await createdWorkspace(fixture.provider, newWorkspaceRef(fixture.newSpec()))
    await killedService(fixture, 'boot', workspace, 2_000)
    const [keeper] = keepersOf(workspace.id)
    expect((await connectionOf(fixture.provider, workspace.id))['pid']).toBe(keeper?.pid)
    valueOf(await fixture.provider.boot(workspace, neverAborted()))
    await expectOneKeeper(workspace)
  })

  it('leaves no lifecycle command that runs concurrently with that of the next service', async () => {
    const postCreate = [{ name: 'postCreateCommand', run: '[ -e second ] || { touch second; exec sleep 299; }' }]
    const workspace = await runningWorkspace(fixture.provider, newWorkspaceRef(fixture.newSpec({ postCreate })))
    await killedService(fixture, 'setup', workspace, 1_000)
    const sleeper = processesOf(workspace.id).find(({ command }) => command === 'sleep 299')
    expect(sleeper).toBeDefined()
    valueOf(await fixture.provider.setup(workspace, neverAborted(), () => undefined))
    expect(processesOf(workspace.id).some(({ command }) => command === 'sleep 299')).toBe(false)
    expect(await containerStateOf(fixture.provider, workspace.id)).toBe('running')
  })

  it('leaves the background processes of its lifecycle commands running, even if they keep writing', async () => {
    const postStart = [{ name: 'postStartCommand', run: '(while :; do echo tick; sleep 0.02; done) & touch started' }]
    const workspace = await runningWorkspace(fixture.provider, newWorkspaceRef(fixture.newSpec({ postStart })))
    const started = () => existsSync(join(fixture.root, workspace.id, 'home', 'started'))
    const tickers = () => processesOf(workspace.id).filter(({ command }) => command.startsWith('sleep 0.02')).length
    await killedService(fixture, 'setup', workspace, async () => {
      await expect.poll(started, { timeout: 10_000 }).toBe(true)
    })
    await delay(300) // a write to a pipe without a reader would have ended the loop by now
    await expect.poll(tickers, { interval: 5 }).toBe(1)
  })

  it('hangs up its shells, even if commands that started later run on', async () => {
    const workspace = await runningWorkspace(fixture.provider, newWorkspaceRef(fixture.newSpec()))
    const running = () => processesOf(workspace.id).map(({ command }) => command)
    await killedService(fixture, 'shell', workspace, async () => {
      await expect.poll(running, { timeout: 10_000 }).toContain('sleep 285')
      expect(running()).toContain('sleep 286')
    })
    // The kernel notifies only the shell.
    await expect.poll(running, { timeout: 10_000 }).not.toContain('sleep 286')
    expect(running()).toContain('sleep 285')
  })

  /** A late keeper exits by itself, and is counted until then: hence the poll. */
  async function expectOneKeeper(workspace: WorkspaceRef): Promise<void> {
    await expect.poll(() => keepersOf(workspace.id).length, { timeout: 5_000, interval: 20 }).toBe(1)
  }
})
