import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, readFile, rename, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { linuxProcessTable } from '../../../src/provider/process/host/linux-process-table.ts'
import type { WorkspaceId } from '../../../src/workspace/id.ts'
import type { WorkspaceSpec } from '../../../src/workspace/spec.ts'
import {
  faultOf,
  createdWorkspace,
  newWorkspaceRef,
  outputOfScript,
  containerOf,
  runSetup,
  containerStateOf,
  neverAborted,
  runningWorkspace,
  valueOf,
} from '../contract/provider-fixture.ts'
import { waitForExit, keepersOf, type ProcessFixture, processFixture, processesOf } from './process-fixture.ts'

function postStart(run: string): Partial<WorkspaceSpec> {
  return { postStart: [{ name: 'postStartCommand', run }] }
}

describe.skipIf(process.platform !== 'linux')('Workspaces as plain processes', () => {
  let fixture: ProcessFixture
  beforeEach(async () => {
    fixture = await processFixture()
  })
  afterEach(() => fixture.close())

  /** Writes a claim as a keeper would. */
  async function claim(id: WorkspaceId, number: number, text: string): Promise<void> {
    const claims = (await readdir(join(fixture.root, id))).find((name) => name.startsWith('claims-')) ?? ''
    await writeFile(join(fixture.root, id, claims, `${number}.claim`), text)
  }

  it('a keeper whose pid was reused is not running, and the other process is not touched', async () => {
    const workspace = await createdWorkspace(fixture.provider, newWorkspaceRef(fixture.newSpec()))
    const bystander = spawn('sleep', ['300'], { detached: true })
    const pid = bystander.pid ?? 0
    const epoch = await linuxProcessTable('VM_WORKSPACE_').bootId()
    await claim(workspace.id, 1, JSON.stringify({ kind: 'keeper', pid, start: '1', epoch }))
    expect(await containerStateOf(fixture.provider, workspace.id)).toBe('exited')
    valueOf(await fixture.provider.stop(workspace, neverAborted()))
    valueOf(await fixture.provider.boot(workspace, neverAborted()))
    valueOf(await fixture.provider.remove(workspace.id, workspace.containerId, neverAborted()))
    expect(bystander.exitCode ?? bystander.signalCode).toBe(null)
    expect((await readFile(`/proc/${pid}/stat`, 'utf8')).includes('(sleep) S')).toBe(true)
    bystander.kill('SIGKILL')
  })

  it('a keeper that is a zombie is not running', async () => {
    const workspace = await createdWorkspace(fixture.provider, newWorkspaceRef(fixture.newSpec()))
    const failingHost = spawn('sh', ['-c', 'sleep 0.01 & echo $!; exec sleep 300'])
    const [line] = await once(failingHost.stdout, 'data')
    const pid = Number(line)
    const stat = () => readFile(`/proc/${pid}/stat`, 'utf8')
    // The end of a grandchild is not reported.
    await expect.poll(stat).toContain(') Z ')
    const start = (await stat()).split(') ')[1]?.split(' ')[19]
    const epoch = await linuxProcessTable('VM_WORKSPACE_').bootId()
    await claim(workspace.id, 1, JSON.stringify({ kind: 'keeper', pid, start, epoch }))
    expect(await containerStateOf(fixture.provider, workspace.id)).toBe('exited')
    failingHost.kill('SIGKILL')
  })

  it('a keeper of an earlier boot went down with the host, unless it was stopped or exited by itself', async () => {
    const workspace = await createdWorkspace(fixture.provider, newWorkspaceRef(fixture.newSpec()))
    const before = JSON.stringify({ kind: 'keeper', pid: process.pid, start: '1', epoch: 'an-earlier-run' })
    const exit = async () => {
      const found = await containerOf(fixture.provider, workspace.id)
      return found?.state.kind === 'exited' ? found.state.exit : found?.state.kind
    }
    await claim(workspace.id, 1, before)
    expect(await exit()).toEqual({ code: null, outOfMemory: false, wentDownWithEngine: true })
    await claim(workspace.id, 2, JSON.stringify({ kind: 'rest', exit: 143 }))
    expect(await exit()).toEqual({ code: 143, outOfMemory: false, wentDownWithEngine: false })
    // A power failure can leave an empty claim file.
    await claim(workspace.id, 3, '')
    expect(await exit()).toEqual({ code: null, outOfMemory: false, wentDownWithEngine: true })
    valueOf(await fixture.provider.boot(workspace, neverAborted()))
    expect(await containerStateOf(fixture.provider, workspace.id)).toBe('running')
  })

  it('a keeper that is terminated by hand has exited with a code', async () => {
    const workspace = await runningWorkspace(fixture.provider, newWorkspaceRef(fixture.newSpec()))
    const pid = keepersOf(workspace.id)[0]?.pid ?? 0
    process.kill(pid, 'SIGTERM')
    await waitForExit(pid)
    expect(await containerOf(fixture.provider, workspace.id)).toMatchObject({
      state: { kind: 'exited', exit: { code: 143, wentDownWithEngine: false } },
    })
  })

  it('a daemon that has left its session and its parent ends with a stop, and with a remove', async () => {
    const daemon = '( setsid sh -c "trap \\"\\" HUP; (sleep 298 &) ; exec sleep 297" >/dev/null 2>&1 </dev/null & )'
    const workspace = await runningWorkspace(fixture.provider, newWorkspaceRef(fixture.newSpec(postStart(daemon))))
    const sleepers = () => processesOf(workspace.id).filter(({ command }) => /^sleep 29[78]$/.test(command)).length
    valueOf(await runSetup(fixture.provider, workspace))
    // The command does not wait for the daemon that it starts.
    await expect.poll(sleepers).toBe(2)
    valueOf(await fixture.provider.stop(workspace, neverAborted()))
    expect(processesOf(workspace.id)).toEqual([])
    valueOf(await fixture.provider.boot(workspace, neverAborted()))
    valueOf(await runSetup(fixture.provider, workspace))
    await expect.poll(sleepers).toBe(2)
    valueOf(await fixture.provider.remove(workspace.id, workspace.containerId, neverAborted()))
    expect(processesOf(workspace.id)).toEqual([])
  })

  it('a process that ignores SIGTERM is killed', async () => {
    const stubborn = '(trap "" TERM; while :; do sleep 1; done) & echo'
    const workspace = await runningWorkspace(fixture.provider, newWorkspaceRef(fixture.newSpec(postStart(stubborn))))
    valueOf(await runSetup(fixture.provider, workspace))
    valueOf(await fixture.withSettings({ graceMs: 300 }).stop(workspace, neverAborted()))
    expect(processesOf(workspace.id)).toEqual([])
  })

  it('processes left by a killed keeper end before the next keeper starts', async () => {
    const workspace = await runningWorkspace(
      fixture.provider,
      newWorkspaceRef(fixture.newSpec(postStart('sleep 296 & echo'))),
    )
    valueOf(await runSetup(fixture.provider, workspace))
    await fixture.kill(workspace.containerId)
    // The forked shell has yet to execute the program.
    await expect.poll(() => processesOf(workspace.id).map(({ command }) => command)).toContain('sleep 296')
    valueOf(await fixture.provider.boot(workspace, neverAborted()))
    expect(processesOf(workspace.id).map(({ command }) => command)).not.toContain('sleep 296')
    expect(keepersOf(workspace.id).length).toBe(1)
  })

  it('a keeper whose directory was removed by hand ends when the workspace is created anew', async () => {
    const workspace = await runningWorkspace(fixture.provider, newWorkspaceRef(fixture.newSpec()))
    await fixture.removeByHand(workspace.containerId)
    const recreated = await runningWorkspace(fixture.provider, { ...workspace, containerId: null })
    expect(keepersOf(recreated.id).length).toBe(1)
    expect(await containerStateOf(fixture.provider, recreated.id)).toBe('running')
  })

  it('a workspace inherits no environment variables of the service', async () => {
    process.env['VM_API_PROXY_SECRET'] = 'hush'
    const workspace = await runningWorkspace(
      fixture.provider,
      newWorkspaceRef(fixture.newSpec({ containerEnv: { VM_WORKSPACE_ID: 'mine' } })),
    )
    const names = await outputOfScript(fixture.provider, workspace, 'env | sort | cut -d= -f1')
    delete process.env['VM_API_PROXY_SECRET']
    const tags = ['EXEC', 'ID', 'INCARNATION', 'INSTALLATION', 'RUN'].map((name) => `VM_WORKSPACE_${name}`)
    expect(names.split('\n')).toEqual(['HOME', 'LANG', 'PATH', 'PWD', ...tags])
    expect(processesOf(workspace.id).length).toBeGreaterThan(0)
  })

  it('a command that times out is killed with its children, and the message says so', async () => {
    const workspace = await runningWorkspace(
      fixture.provider,
      newWorkspaceRef(fixture.newSpec(postStart('echo waiting; sleep 295; echo done'))),
    )
    const { kind, message } = faultOf(
      await fixture.withSettings({ commandTimeoutMs: 300 }).setup(workspace, neverAborted(), () => undefined),
    )
    expect(kind).toBe('permanent')
    expect(message).toBe('postStartCommand did not finish within 0.3 seconds and was killed. Its last lines:\nwaiting')
    await expect.poll(() => processesOf(workspace.id).some(({ command }) => command === 'sleep 295')).toBe(false)
  })

  it('a stop in the middle of a setup leaves nothing running, and the setup is a transient fault', async () => {
    const workspace = await runningWorkspace(fixture.provider, newWorkspaceRef(fixture.newSpec(postStart('sleep 294'))))
    const underWay = runSetup(fixture.provider, workspace)
    await expect.poll(() => processesOf(workspace.id).some(({ command }) => command.includes('sleep 294'))).toBe(true)
    valueOf(await fixture.provider.stop(workspace, neverAborted()))
    expect(faultOf(await underWay).kind).toBe('transient')
    expect(processesOf(workspace.id)).toEqual([])
  })

  it('a remove follows no link out of the directory', async () => {
    const workspace = await createdWorkspace(fixture.provider, newWorkspaceRef(fixture.newSpec()))
    const outsideFile = join(fixture.root, 'precious')
    await mkdir(outsideFile)
    await writeFile(join(outsideFile, 'file'), 'kept')
    await symlink(outsideFile, join(fixture.root, workspace.id, 'home', 'link'))
    valueOf(await fixture.provider.remove(workspace.id, workspace.containerId, neverAborted()))
    expect(await readFile(join(outsideFile, 'file'), 'utf8')).toBe('kept')
  })

  it('a link in place of a directory is neither a workspace nor removed', async () => {
    const workspace = await createdWorkspace(fixture.provider, newWorkspaceRef(fixture.newSpec()))
    const path = join(fixture.root, workspace.id)
    await rename(path, join(fixture.root, 'elsewhere'))
    await symlink('elsewhere', path)
    expect(await containerStateOf(fixture.provider, workspace.id)).toBe('none')
    valueOf(await fixture.provider.remove(workspace.id, workspace.containerId, neverAborted()))
    expect(await readdir(join(fixture.root, 'elsewhere'))).toContain('vm-api.json')
    expect(faultOf(await fixture.provider.container(workspace, neverAborted())).kind).toBe('permanent')
  })

  it('a directory that cannot be read makes the list a fault that names it', async () => {
    const { id } = await createdWorkspace(fixture.provider, newWorkspaceRef(fixture.newSpec()))
    await writeFile(join(fixture.root, id, 'vm-api.json'), '{ not json')
    expect(faultOf(await fixture.provider.list(neverAborted())).message).toContain(id)
    expect(faultOf(await fixture.provider.inspect(id, neverAborted())).message).toContain(id)
    await writeFile(
      join(fixture.root, id, 'vm-api.json'),
      JSON.stringify({ installation: 'here', workspaceId: id, incarnation: '../../..' }),
    )
    expect(faultOf(await fixture.provider.remove(id, null, neverAborted())).message).toContain(id)
  })

  it('a lost root directory is unavailable, not a host without workspaces', async () => {
    await createdWorkspace(fixture.provider, newWorkspaceRef(fixture.newSpec()))
    await rename(fixture.root, `${fixture.root}.lost`)
    expect(faultOf(await fixture.provider.list(neverAborted())).kind).toBe('unavailable')
    expect(faultOf(await fixture.provider.ping(neverAborted())).kind).toBe('unavailable')
    await rename(`${fixture.root}.lost`, fixture.root)
    valueOf(await fixture.provider.ping(neverAborted()))
  })

  it('directories that a crash left incomplete or partly removed are removed with the workspace', async () => {
    const workspace = await runningWorkspace(fixture.provider, newWorkspaceRef(fixture.newSpec()))
    await mkdir(join(fixture.root, `.new-${workspace.id}-half`, 'home'), { recursive: true })
    await writeFile(join(fixture.root, `.new-${workspace.id}-half`, 'vm-api.json'), '{ "inst')
    await mkdir(join(fixture.root, `.gone-${workspace.id}-half`, 'home'), { recursive: true })
    expect(await containerStateOf(fixture.provider, workspace.id)).toBe('running')
    valueOf(await fixture.provider.remove(workspace.id, workspace.containerId, neverAborted()))
    expect(await readdir(fixture.root)).toEqual([])
  })

  it('old claims are removed, however often a workspace is stopped and booted', async () => {
    const workspace = await createdWorkspace(fixture.provider, newWorkspaceRef(fixture.newSpec()))
    for (let round = 0; round < 5; round += 1) {
      valueOf(await fixture.provider.boot(workspace, neverAborted()))
      valueOf(await fixture.provider.stop(workspace, neverAborted()))
    }
    const claims = (await readdir(join(fixture.root, workspace.id))).find((name) => name.startsWith('claims-')) ?? ''
    expect(await readdir(join(fixture.root, workspace.id, claims))).toEqual(['10.claim'])
  })
})

describe('A platform where processes cannot be found again', () => {
  it('refuses every request with the advice to use Docker', async () => {
    const fixture = await processFixture()
    const windows = fixture.withSettings({ platform: 'win32' })
    expect(faultOf(await windows.ping(neverAborted()))).toMatchObject({
      kind: 'permanent',
      message: expect.stringContaining('Docker'),
    })
    expect(faultOf(await windows.container(newWorkspaceRef(fixture.newSpec()), neverAborted())).kind).toBe('permanent')
    windows.watch(() => undefined).close()
    await fixture.close()
  })
})
