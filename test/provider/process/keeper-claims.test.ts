import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  type WorkspaceDirectory,
  findWorkspaceDirectory,
} from '../../../src/provider/process/keeper/workspace-directory.ts'
import { stop } from '../../../src/provider/process/keeper/stop.ts'
import type { ProcessHost } from '../../../src/provider/process/host/host.ts'
import { boot } from '../../../src/provider/process/keeper/keeper.ts'
import { linuxProcessTable } from '../../../src/provider/process/host/linux-process-table.ts'
import type { WorkspaceRef } from '../../../src/workspace/workspace-ref.ts'
import {
  faultOf,
  createdWorkspace,
  newWorkspaceRef,
  containerStateOf,
  neverAborted,
  valueOf,
} from '../contract/provider-fixture.ts'
import { waitForExit, keepersOf, type ProcessFixture, processFixture, processesOf } from './process-fixture.ts'

// Claims alone must guarantee C1–C5 (claim.ts): the process table is empty here, so no keeper is found by its tags.
describe.skipIf(process.platform !== 'linux')('A keeper that the process table does not show', () => {
  let fixture: ProcessFixture
  let workspace: WorkspaceRef
  let directory: WorkspaceDirectory
  beforeEach(async () => {
    fixture = await processFixture()
    workspace = await createdWorkspace(fixture.provider, newWorkspaceRef(fixture.newSpec()))
    const found = await findWorkspaceDirectory(fixture.root, 'here', workspace.id)
    if (found === null) throw new Error('no directory was made')
    directory = found
  })
  afterEach(() => fixture.close())

  /** A host whose keepers take `lateMs` from their start to their claim. */
  function hostWithoutProcessTable(lateMs = 0): ProcessHost {
    const table = linuxProcessTable('VM_WORKSPACE_')
    const startDelayed = lateMs === 0 ? '' : `sleep ${lateMs / 1000}; `
    const hostWithoutTable = {
      ...table,
      listTagged: async () => [],
      startTimeScript: `${startDelayed}${table.startTimeScript}`,
    }
    const log = { warn: () => undefined }
    return {
      root: fixture.root,
      installation: 'here',
      processTable: hostWithoutTable,
      path: '/usr/bin:/bin',
      graceMs: 1_000,
      commandTimeoutMs: 1_000,
      log,
    }
  }

  /** Starts a keeper without waiting for it, like a service that is killed meanwhile. Returns its pid. */
  async function startLateKeeper(lateMs: number): Promise<number> {
    const signal = AbortSignal.timeout(200)
    faultOf(await boot(hostWithoutProcessTable(lateMs), directory, workspace, signal))
    const [keeper] = keepersOf(workspace.id)
    if (keeper === undefined) throw new Error('the keeper has not been late')
    return keeper.pid
  }

  it('exits by itself if it was started before a stop and is late', async () => {
    const pid = await startLateKeeper(1_000)
    valueOf(await stop(hostWithoutProcessTable(), directory, workspace.id, neverAborted()))
    await waitForExit(pid)
    expect(await containerStateOf(fixture.provider, workspace.id)).toBe('created')
  })

  it('exits by itself if another keeper has its claim number', async () => {
    const pid = await startLateKeeper(1_000)
    const { connection } = valueOf(await boot(hostWithoutProcessTable(), directory, workspace, neverAborted()))
    await waitForExit(pid)
    expect(keepersOf(workspace.id).map((keeper) => keeper.pid)).toEqual([connection['pid']])
  })

  it('exits by itself if its claim was removed as outdated', async () => {
    const pid = await startLateKeeper(3_000)
    for (let round = 0; round < 2; round += 1) {
      valueOf(await boot(hostWithoutProcessTable(), directory, workspace, neverAborted()))
      valueOf(await stop(hostWithoutProcessTable(), directory, workspace.id, neverAborted()))
    }
    const { connection } = valueOf(await boot(hostWithoutProcessTable(), directory, workspace, neverAborted()))
    expect(processesOf(workspace.id).map((one) => one.pid)).toContain(pid)
    await waitForExit(pid)
    expect(keepersOf(workspace.id).map((keeper) => keeper.pid)).toEqual([connection['pid']])
  })

  it('is the only one to stay if many are started concurrently', async () => {
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, at) =>
        boot(hostWithoutProcessTable(at * 10), directory, workspace, neverAborted()),
      ),
    )
    const pids = new Set(answers.map((answer) => valueOf(answer).connection['pid']))
    expect(pids.size).toBe(1)
    // The others exit by themselves, unreported.
    await expect.poll(() => keepersOf(workspace.id).map((keeper) => keeper.pid)).toEqual([...pids])
  })

  it('runs once or not at all after concurrent boots and stops, as inspect reports', async () => {
    for (let round = 0; round < 5; round += 1) {
      const host = hostWithoutProcessTable()
      const both = [
        boot(host, directory, workspace, neverAborted()),
        stop(host, directory, workspace.id, neverAborted()),
      ]
      await Promise.all([...both, delay(round * 5).then(() => boot(host, directory, workspace, neverAborted()))])
      const running = (await containerStateOf(fixture.provider, workspace.id)) === 'running'
      await expect.poll(() => keepersOf(workspace.id).length).toBe(running ? 1 : 0)
    }
  })
})
