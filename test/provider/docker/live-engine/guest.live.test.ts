import { randomUUID } from 'node:crypto'
import { PassThrough } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { dockerProvider } from '../../../../src/provider/docker/docker-provider.ts'
import { parseDockerHost } from '../../../../src/provider/docker/engine/docker-host.ts'
import type { Provider } from '../../../../src/provider/provider.ts'
import type { WorkspaceSpec } from '../../../../src/workspace/spec.ts'
import type { WorkspaceRef } from '../../../../src/workspace/workspace-ref.ts'
import { dockerClient, removeAll } from '../../../engine/docker-client.ts'
import { baseImage, ensureBaseImage } from '../../../engine/images.ts'
import { liveEngine, noEngine } from '../../../engine/live-engine.ts'
import { silentLog } from '../../../silent-log.ts'
import { type StallingProxy, stallingProxy } from '../../../engine/stalling-proxy.ts'
import {
  faultOf,
  newWorkspaceRef,
  plainSpec,
  neverAborted,
  runningWorkspace,
  valueOf,
} from '../../contract/provider-fixture.ts'
import {
  readBytes,
  fileFaultOf,
  largeSource,
  fileValueOf,
  refusalOf,
  textSource,
  runScript,
} from '../../contract/guest-fixture.ts'
import { blockFor, commandOf, collectOutput, readUntil, startShell } from '../../contract/guest-processes.ts'

const live = await liveEngine()
const target = live ?? noEngine
const installation = randomUUID()
const replacing = { append: false, mode: null }

describe.skipIf(live === undefined)('Commands and files in a container', { timeout: 60_000 }, () => {
  const docker = dockerClient(target)
  const provider = dockerProvider({ installation, target, log: silentLog })
  const { guest } = provider
  const bootWorkspace = (partial: Partial<WorkspaceSpec> = {}) =>
    runningWorkspace(provider, newWorkspaceRef(plainSpec({ image: baseImage, ...partial })))
  const asRoot = async (workspace: WorkspaceRef, script: string) =>
    expect((await collectOutput(await startShell(guest, workspace, script, { user: 'root' }))).exit).toEqual({
      kind: 'exited',
      code: 0,
    })
  const programs = async (workspace: WorkspaceRef) => {
    const processesIn: { Processes: string[][] } = await docker.getContainer(workspace.containerId ?? '').top()
    return processesIn.Processes.map((words) => words.at(-1) ?? '').filter((words) => words.startsWith('sleep 4'))
  }

  /** The same engine behind a proxy that can be disconnected. */
  async function proxied(): Promise<{ proxy: StallingProxy; proxiedProvider: Provider }> {
    const proxy = await stallingProxy(target.endpoint.kind === 'socket' ? target.endpoint.path : '')
    const endpoint = valueOf(parseDockerHost(proxy.host, null))
    return { proxy, proxiedProvider: dockerProvider({ installation, target: { ...target, endpoint }, log: silentLog }) }
  }

  beforeAll(() => ensureBaseImage(docker))
  afterAll(() => removeAll(docker, installation))

  it('a command whose container is removed ends, and so does its output', async () => {
    const workspace = await bootWorkspace()
    const run = await startShell(guest, workspace, 'echo up; exec sleep 400')
    await readUntil(run, 'up')
    await docker.getContainer(workspace.containerId).remove({ force: true })
    const { exit } = await collectOutput(run)
    expect(exit.kind === 'exited' ? exit.code : exit.kind).toBeOneOf([137, 'lost'])
    valueOf(await run.signal('SIGKILL'))
  })

  it('a command whose engine goes away is lost, and can be killed by its tag when the engine is back', async () => {
    const workspace = await bootWorkspace()
    const { proxy, proxiedProvider } = await proxied()
    const run = await startShell(proxiedProvider.guest, workspace, 'echo up; exec sleep 401', { tag: 'orphan' })
    await readUntil(run, 'up')
    await proxy.disconnect()
    expect((await collectOutput(run)).exit.kind).toBe('lost')
    expect(faultOf(await proxiedProvider.guest.exec(workspace, commandOf({}), neverAborted())).kind).toBe('unavailable')
    expect(faultOf(await proxiedProvider.guest.killLeftover(workspace, 'orphan', neverAborted())).kind).toBe(
      'unavailable',
    )
    await proxy.reconnect()
    await expect.poll(() => programs(workspace)).toEqual(['sleep 401'])
    valueOf(await proxiedProvider.guest.killLeftover(workspace, 'orphan', neverAborted()))
    expect(await programs(workspace)).toEqual([])
    await proxy.close()
  })

  it('commands run as the requested user, and are killed whichever user that is', async () => {
    const workspace = await bootWorkspace({ remoteUser: 'dev' })
    const plain = await collectOutput(await startShell(guest, workspace, 'id -un; echo $HOME'))
    expect(plain.stdout.toString()).toBe('dev\n/home/dev\n')
    for (const user of ['root', 'dev', '1234']) {
      const run = await startShell(guest, workspace, 'echo up; exec sleep 402', { user, tag: 'several' })
      await readUntil(run, 'up')
    }
    await expect.poll(async () => (await programs(workspace)).length).toBe(3)
    valueOf(await guest.killLeftover(workspace, 'several', neverAborted()))
    expect(await programs(workspace)).toEqual([])
  })

  it('a kill also ends processes that have become another user', async () => {
    const workspace = await bootWorkspace()
    const run = await startShell(guest, workspace, 'su dev -c "exec sleep 403" & echo up; exec sleep 404')
    await readUntil(run, 'up')
    await expect.poll(async () => (await programs(workspace)).length).toBe(2)
    valueOf(await run.signal('SIGKILL'))
    expect(await programs(workspace)).toEqual([])
    expect(await run.exited).toEqual({ kind: 'killed', signal: 'SIGKILL' })
  })

  it('a kill also ends a job of a terminal that has cleared its environment', async () => {
    const workspace = await bootWorkspace()
    const terminal = { columns: 80, rows: 24 }
    const run = await startShell(guest, workspace, 'set -m; env -i /bin/sleep 405 & echo up; exec sleep 406', {
      terminal,
    })
    await readUntil(run, 'up')
    const jobs = async () =>
      (await runScript(provider, workspace, 'ps -o args | grep -c "[s]leep 40[56]"; true')).trim()
    await expect.poll(jobs).toBe('2')
    valueOf(await run.signal('SIGKILL'))
    expect(await jobs()).toBe('0')
  })

  it('a command in a paused container is a transient fault', async () => {
    const workspace = await bootWorkspace()
    await docker.getContainer(workspace.containerId).pause()
    expect(faultOf(await guest.exec(workspace, commandOf({}), neverAborted())).kind).toBe('transient')
    await docker.getContainer(workspace.containerId).unpause()
  })

  it('a later write removes the old drafts of a killed container, and nothing else', async () => {
    const workspace = await bootWorkspace()
    const [oldDraft, recentDraft] = [`.vm-api-${randomUUID()}`, `.vm-api-${randomUUID()}`]
    for (const folder of ['/srv', '/opt/into'])
      await asRoot(
        workspace,
        `mkdir -p ${folder}; cd ${folder}; touch ${recentDraft}; touch -t 202001010000 ${oldDraft} .vm-api-unrelated`,
      )
    fileValueOf(await guest.files.write(workspace, '/srv/file', textSource('new'), replacing, neverAborted()))
    const tree = fileValueOf(await guest.files.pack(workspace, '/srv/file', neverAborted()))
    fileValueOf(await guest.files.unpack(workspace, '/opt/into', tree, neverAborted()))
    const remainingFiles = ['.vm-api-unrelated', recentDraft, 'file'].sort().join('\n')
    expect(await runScript(provider, workspace, 'ls -A /srv | LC_ALL=C sort')).toBe(`${remainingFiles}\n`)
    expect(await runScript(provider, workspace, 'ls -A /opt/into | LC_ALL=C sort')).toBe(`${remainingFiles}\n`)
  })

  it('a write whose container is killed is a fault that says so', async () => {
    const workspace = await bootWorkspace()
    const source = new PassThrough()
    source.write('half')
    const written = guest.files.write(workspace, '/tmp/file', source, replacing, neverAborted())
    await expect
      .poll(() => runScript(provider, workspace, 'cat /tmp/.vm-api-* 2>/dev/null; true'), { timeout: 20_000 })
      .toBe('half')
    await docker.getContainer(workspace.containerId).kill()
    const { message } = fileFaultOf(await written)
    expect(message).toMatch(/was killed|is unknown/)
  })

  it('file operations without permission are denied', async () => {
    const workspace = await bootWorkspace({ remoteUser: 'dev' })
    await asRoot(workspace, 'mkdir -m 700 /locked; echo s > /locked/f; echo p > /etc/p; chmod 600 /etc/p')
    const { files } = guest
    const put = (path: string) => files.write(workspace, path, textSource('x'), replacing, neverAborted())
    expect(refusalOf(await files.read(workspace, '/etc/p', neverAborted()))).toBe('denied')
    expect(refusalOf(await files.stat(workspace, '/locked/f', neverAborted()))).toBe('denied')
    expect(refusalOf(await files.list(workspace, '/locked', neverAborted()))).toBe('denied')
    expect(refusalOf(await files.pack(workspace, '/locked', neverAborted()))).toBe('denied')
    for (const path of ['/etc/p', '/etc/new', '/locked/f']) expect(refusalOf(await put(path))).toBe('denied')
    expect(refusalOf(await files.makeDirectory(workspace, '/etc/d', neverAborted()))).toBe('denied')
    expect(refusalOf(await files.move(workspace, '/etc/p', '/tmp/p', neverAborted()))).toBe('denied')
    for (const path of ['/etc/p', '/'])
      expect(refusalOf(await files.remove(workspace, path, true, neverAborted()))).toBe('denied')
    expect(await runScript(provider, workspace, 'ls -A /etc /tmp | grep vm-api; echo none')).toBe('none\n')
  })

  it('a file that does not fit leaves the old file and no draft', async () => {
    const workspace = await bootWorkspace({ limits: { cpus: 1, memoryBytes: 512 * 2 ** 20, pids: 128 } })
    const { files } = guest
    fileValueOf(await files.write(workspace, '/dev/shm/f', textSource('old'), replacing, neverAborted()))
    const { source } = largeSource(80 * 2 ** 20)
    expect(refusalOf(await files.write(workspace, '/dev/shm/f', source, replacing, neverAborted()))).toBe('no-space')
    expect(await runScript(provider, workspace, 'cat /dev/shm/f; ls -A /dev/shm')).toBe('oldf\n')
  })

  it('a write that loses the engine half-way leaves the old file and no draft', async () => {
    const workspace = await bootWorkspace()
    fileValueOf(await guest.files.write(workspace, 'f', textSource('old'), replacing, neverAborted()))
    const { proxy, proxiedProvider } = await proxied()
    const { source } = largeSource(2 ** 30)
    const writing = proxiedProvider.guest.files.write(workspace, 'f', source, replacing, neverAborted())
    await expect.poll(() => runScript(provider, workspace, 'ls -A | wc -l')).toBe('2\n')
    await proxy.disconnect()
    fileFaultOf(await writing)
    await expect.poll(() => runScript(provider, workspace, 'cat f; ls -A')).toBe('oldf\n')
    await proxy.close()
  })

  it('a command that exited with unread output does not block others in its container', async () => {
    const workspace = await bootWorkspace()
    const unread = await startShell(guest, workspace, 'head -c 100000000 /dev/zero', { tag: 'unread' })
    valueOf(await guest.killLeftover(workspace, 'unread', neverAborted()))
    expect((await collectOutput(await startShell(guest, workspace, 'echo other'))).stdout.toString()).toBe('other\n')
    expect(await unread.exited).toEqual({ kind: 'exited', code: 137 })
    const { stdout } = await collectOutput(unread)
    expect(stdout.length).toBeGreaterThan(0)
    expect(stdout.length).toBeLessThan(4_000_000)
  })

  it('all output that the engine still holds arrives after the exit, even if it was unread and the event loop was busy', async () => {
    const workspace = await bootWorkspace()
    const run = await startShell(guest, workspace, 'head -c 1300000 /dev/zero; echo end >&2')
    expect(await run.exited).toEqual({ kind: 'exited', code: 0 })
    blockFor(600)
    await delay(1500) // leaves the output unread
    const { stdout, stderr } = await collectOutput(run)
    expect([stdout.length, stderr.toString()]).toEqual([1_300_000, 'end\n'])
  })

  it('an unfinished read leaves no process behind', async () => {
    const workspace = await bootWorkspace()
    await runScript(provider, workspace, 'head -c 50000000 /dev/zero > zeros')
    const { bytes } = fileValueOf(await guest.files.read(workspace, 'zeros', neverAborted()))
    await bytes[Symbol.asyncIterator]().next()
    bytes.destroy()
    await expect
      .poll(() => runScript(provider, workspace, 'cat /proc/[0-9]*/cmdline | grep -c "[c]at <&3"; true'))
      .toBe('0\n')
    expect(
      (await readBytes(fileValueOf(await guest.files.read(workspace, 'zeros', neverAborted())).bytes)).length,
    ).toBe(50_000_000)
  })

  it('the output of a lifecycle command is reported per stream', async () => {
    const run = 'echo out; echo err >&2'
    const workspace = await bootWorkspace({ postStart: [{ name: 'postStartCommand', run }] })
    const received: string[] = []
    valueOf(
      await provider.setup(
        workspace,
        neverAborted(),
        () => undefined,
        (command, { stream, bytes }) => received.push(`${command} ${stream} ${bytes.toString()}`),
      ),
    )
    expect(received.toSorted()).toEqual(['postStartCommand stderr err\n', 'postStartCommand stdout out\n'])
  })
})
