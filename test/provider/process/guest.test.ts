import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import type { GuestProcess } from '../../../src/provider/guest.ts'
import { findWorkspaceDirectory } from '../../../src/provider/process/keeper/workspace-directory.ts'
import { linuxProcessTable } from '../../../src/provider/process/host/linux-process-table.ts'
import { spawnGuestProcess } from '../../../src/provider/process/guest/spawn-guest-process.ts'
import { faultOf, runSetup, neverAborted, valueOf } from '../contract/provider-fixture.ts'
import { processesOf } from './process-fixture.ts'
import { useProcessGuest } from './process-guest-fixture.ts'

describe.skipIf(process.platform !== 'linux')('A command among plain processes', { timeout: 30_000 }, () => {
  const guestFixture = useProcessGuest()
  const { startShell, collectOutput } = guestFixture

  /** The next piece of output. */
  async function firstLine({ output }: GuestProcess): Promise<string> {
    const { value } = await output[Symbol.asyncIterator]().next()
    return value === undefined ? '' : value.bytes.toString()
  }

  const sleeping = (seconds: number) =>
    processesOf(guestFixture.workspace.id).some(({ command }) => command === `sleep ${seconds}`)

  it('a program that cannot be executed exits with 126, and so does a missing directory, which is named', async () => {
    const [denied, end] = await collectOutput(await startShell('', { argv: ['/etc/passwd'] }))
    expect(end).toEqual({ kind: 'exited', code: 126 })
    expect(denied).toContain('/etc/passwd')
    const [words, missing] = await collectOutput(await startShell('pwd', { cwd: 'not/there' }))
    expect(missing).toEqual({ kind: 'exited', code: 126 })
    expect(words).toContain('home/not/there')
  })

  it("it runs as the service's user, whatever the template says, and refuses any other user", async () => {
    const [name] = await collectOutput(await startShell('id -un'))
    expect(await collectOutput(await startShell('id -un', { user: name.trim() }))).toEqual([
      name,
      { kind: 'exited', code: 0 },
    ])
    expect(await collectOutput(await startShell('id -un', { user: 'vscode' }))).toEqual([
      name,
      { kind: 'exited', code: 0 },
    ])
    const plain = { tag: 'test', argv: ['true'], env: {}, cwd: null, stdin: false, terminal: null }
    const refused = faultOf(
      await guestFixture.fixture.provider.guest.exec(
        guestFixture.workspace,
        { ...plain, user: 'somebody' },
        neverAborted(),
      ),
    )
    expect(refused).toMatchObject({ kind: 'permanent', message: expect.stringContaining('user of the service') })
  })

  it('it inherits no environment variables of the service', async () => {
    process.env['VM_API_PROXY_SECRET'] = 'hush'
    const [names] = await collectOutput(
      await startShell('env | sort | cut -d= -f1', { env: { CUSTOM: '1' }, cwd: '/' }),
    )
    delete process.env['VM_API_PROXY_SECRET']
    const tags = ['EXEC', 'ID', 'INCARNATION', 'INSTALLATION', 'RUN'].map((name) => `VM_WORKSPACE_${name}`)
    expect(names.trim().split('\n')).toEqual(['CUSTOM', 'HOME', 'LANG', 'PATH', 'PWD', ...tags])
  })

  it('a command line that is too long for the system is a fault, not a throw', async () => {
    const plain = { tag: 'test', env: {}, cwd: null, user: null, stdin: false, terminal: null }
    const argv = ['echo', 'x'.repeat(4 * 1024 * 1024)]
    expect(
      faultOf(
        await guestFixture.fixture.provider.guest.exec(guestFixture.workspace, { ...plain, argv }, neverAborted()),
      ).kind,
    ).toBe('permanent')
  })

  it('a stop kills it with everything that it started, and a setup does not', async () => {
    const running = await startShell('(setsid sleep 293 &) ; echo up; sleep 292')
    expect(await firstLine(running)).toBe('up\n')
    await vi.waitFor(() => expect(sleeping(292)).toBe(true)) // starts after the line is printed
    valueOf(await runSetup(guestFixture.fixture.provider, guestFixture.workspace))
    expect(sleeping(292)).toBe(true)
    valueOf(await guestFixture.fixture.provider.stop(guestFixture.workspace, neverAborted()))
    expect(processesOf(guestFixture.workspace.id)).toEqual([])
    expect(await running.exited).toEqual({ kind: 'killed', signal: 'SIGTERM' })
  })

  it('a command that starts while the workspace stops leaves nothing running', async () => {
    const sleeper = { tag: 'test', argv: ['sleep', '291'], env: {}, cwd: null, user: null, stdin: false }
    const directory = await findWorkspaceDirectory(guestFixture.fixture.root, 'here', guestFixture.workspace.id)
    if (directory === null) throw new Error('no directory was made')
    const table = linuxProcessTable('VM_WORKSPACE_')
    for (const terminal of [null, { columns: 80, rows: 24 }]) {
      valueOf(await guestFixture.fixture.provider.boot(guestFixture.workspace, neverAborted()))
      // The whole stop happens right after the keeper was seen alive.
      const isAlive: typeof table.isAlive = async (identity) => {
        const alive = await table.isAlive(identity)
        valueOf(await guestFixture.fixture.provider.stop(guestFixture.workspace, neverAborted()))
        return alive
      }
      const host = {
        root: guestFixture.fixture.root,
        installation: 'here',
        processTable: { ...table, isAlive },
        path: '/usr/bin:/bin',
      }
      const rest = { graceMs: 1_000, commandTimeoutMs: 1_000, log: { warn: () => undefined } }
      const started = await spawnGuestProcess(
        { ...host, ...rest },
        directory,
        guestFixture.workspace,
        { ...sleeper, terminal },
        neverAborted(),
      )
      expect(faultOf(started).kind).toBe('missing')
      expect(processesOf(guestFixture.workspace.id)).toEqual([])
    }
  })

  it('a signal reaches each process of its group, and those that have left the group', async () => {
    const child = `trap 'echo "$0 signaled"' HUP; echo "$0 up"; while :; do sleep 0.05; done 2>/dev/null`
    const all = '(sh -c "$0" child) & (setsid sh -c "$0" daemon) & exec sh -c "$0" parent'
    const running = await startShell('', { argv: ['/bin/sh', '-c', all, child] })
    const received: string[] = []
    let sent = false
    for await (const { bytes } of running.output) {
      received.push(...bytes.toString().trim().split('\n'))
      if (!sent && received.length === 3) {
        sent = true
        valueOf(await running.signal('SIGHUP'))
      }
      if (received.length === 6) valueOf(await running.signal('SIGKILL'))
    }
    expect(received.slice(3).sort()).toEqual(['child signaled', 'daemon signaled', 'parent signaled'])
    expect(
      processesOf(guestFixture.workspace.id).filter(
        ({ command }) => !command.includes('keeper') && command !== 'sleep 300',
      ),
    ).toEqual([])
  })

  it('its output ends at its exit even if a background child keeps writing, and the child is not killed', async () => {
    const [text, end] = await collectOutput(
      await startShell('(for at in 1 2 3 4 5 6; do sleep 0.1; /bin/echo $at || exit; done; touch all) & echo done'),
    )
    expect(end).toEqual({ kind: 'exited', code: 0 })
    expect(text).toContain('done\n')
    // The end of a background child is not reported.
    await expect
      .poll(() => existsSync(join(guestFixture.fixture.root, guestFixture.workspace.id, 'home', 'all')), {
        timeout: 5_000,
      })
      .toBe(true)
  })

  it('a detached command keeps running even if it writes more than a pipe holds', async () => {
    const running = await startShell('sleep 0.1; head -c 5000000 /dev/zero && exit 7')
    running.detach()
    expect(await collectOutput(running)).toEqual(['', { kind: 'exited', code: 7 }])
  })

  it('a command whose output is not read is blocked, and a slow reader loses nothing', async () => {
    const running = await startShell('seq 1 200000; exit 3')
    let held = true
    void running.exited.then(() => {
      held = false
    })
    const chunks: Buffer[] = []
    for await (const { bytes } of running.output) {
      // It is blocked, waiting for room in the pipe.
      if (chunks.length === 0)
        await expect
          .poll(() => processesOf(guestFixture.workspace.id).some(({ command }) => command.startsWith('seq')))
          .toBe(true)
      if (chunks.length === 3) expect(held).toBe(true)
      chunks.push(bytes)
    }
    expect(Buffer.concat(chunks).toString().split('\n').length).toBe(200_001)
    expect(await running.exited).toEqual({ kind: 'exited', code: 3 })
  })

  it('its processes are killed by its tag, by a service that did not start it', async () => {
    const running = await startShell('(setsid sleep 289 &) ; echo up; exec sleep 288', { tag: 'one' })
    const other = await startShell('echo up; exec sleep 287', { tag: 'other' })
    for (const process of [running, other]) expect(await firstLine(process)).toBe('up\n')
    const { guest } = guestFixture.fixture.restarted()
    valueOf(await guest.killLeftover(guestFixture.workspace, 'one', neverAborted()))
    expect([sleeping(289), sleeping(288), sleeping(287)]).toEqual([false, false, true])
    valueOf(await guest.killLeftover(guestFixture.workspace, 'one', neverAborted()))
    expect(await running.exited).toEqual({ kind: 'killed', signal: 'SIGKILL' })
  })
})
