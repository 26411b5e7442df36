import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import type { Run } from '../../src/provider/inside.ts'
import { findDirectory } from '../../src/provider/process/directory.ts'
import { linuxProcesses } from '../../src/provider/process/linux-processes.ts'
import { startRun } from '../../src/provider/process/run.ts'
import { faultOf, setup, unhurried, valueOf } from './bench.ts'
import { processesOf } from './process-bench.ts'
import { processRuns } from './process-runs.ts'

describe.skipIf(process.platform !== 'linux')('A command among plain processes', { timeout: 30_000 }, () => {
  const at = processRuns()
  const { run, toEnd } = at

  /** The next piece of output. */
  async function firstLine({ output }: Run): Promise<string> {
    const { value } = await output[Symbol.asyncIterator]().next()
    return value === undefined ? '' : value.bytes.toString()
  }

  const sleeping = (seconds: number) => processesOf(at.subject.id).some(({ command }) => command === `sleep ${seconds}`)

  it('a program that may not be run ends with 126, and so does a directory that is not there, which is named', async () => {
    const [denied, end] = await toEnd(await run('', { argv: ['/etc/passwd'] }))
    expect(end).toEqual({ kind: 'exited', code: 126 })
    expect(denied).toContain('/etc/passwd')
    const [words, missing] = await toEnd(await run('pwd', { cwd: 'not/there' }))
    expect(missing).toEqual({ kind: 'exited', code: 126 })
    expect(words).toContain('home/not/there')
  })

  it('it runs as the only user that there is, whatever the template says, and as nobody else', async () => {
    const [name] = await toEnd(await run('id -un'))
    expect(await toEnd(await run('id -un', { user: name.trim() }))).toEqual([name, { kind: 'exited', code: 0 }])
    expect(await toEnd(await run('id -un', { user: 'vscode' }))).toEqual([name, { kind: 'exited', code: 0 }])
    const plain = { mark: 'mark', argv: ['true'], env: {}, cwd: null, stdin: false, terminal: null }
    const refused = faultOf(await at.bench.provider.inside.run(at.subject, { ...plain, user: 'somebody' }, unhurried()))
    expect(refused).toMatchObject({ again: 'never', message: expect.stringContaining('user of the service') })
  })

  it('it gets nothing of the environment of the service', async () => {
    process.env['VM_API_PROXY_SECRET'] = 'hush'
    const [shown] = await toEnd(await run('env | sort | cut -d= -f1', { env: { MINE: '1' }, cwd: '/' }))
    delete process.env['VM_API_PROXY_SECRET']
    const marks = ['EXEC', 'ID', 'INCARNATION', 'INSTALLATION', 'RUN'].map((name) => `VM_WORKSPACE_${name}`)
    expect(shown.trim().split('\n')).toEqual(['HOME', 'LANG', 'MINE', 'PATH', 'PWD', ...marks])
  })

  it('one that is too long for the system is a fault, not a throw', async () => {
    const plain = { mark: 'mark', env: {}, cwd: null, user: null, stdin: false, terminal: null }
    const argv = ['echo', 'x'.repeat(4 * 1024 * 1024)]
    expect(faultOf(await at.bench.provider.inside.run(at.subject, { ...plain, argv }, unhurried())).again).toBe('never')
  })

  it('a halt ends it with all that it started, and a setup leaves it alone', async () => {
    const running = await run('(setsid sleep 293 &) ; echo up; sleep 292')
    expect(await firstLine(running)).toBe('up\n')
    await vi.waitFor(() => expect(sleeping(292)).toBe(true)) // begun after it said so
    valueOf(await setup(at.bench.provider, at.subject))
    expect(sleeping(292)).toBe(true)
    valueOf(await at.bench.provider.halt(at.subject, unhurried()))
    expect(processesOf(at.subject.id)).toEqual([])
    expect(await running.ended).toEqual({ kind: 'killed', signal: 'SIGTERM' })
  })

  it('one that is started while the workspace is halted leaves nothing running', async () => {
    const sleeper = { mark: 'mark', argv: ['sleep', '291'], env: {}, cwd: null, user: null, stdin: false }
    const directory = await findDirectory(at.bench.root, 'here', at.subject.id)
    if (directory === null) throw new Error('no directory was made')
    const table = linuxProcesses('VM_WORKSPACE_')
    for (const terminal of [null, { columns: 80, rows: 24 }]) {
      valueOf(await at.bench.provider.boot(at.subject, unhurried()))
      // The halt comes, whole, when the keeper has just been seen.
      const lives: typeof table.lives = async (mark) => {
        const alive = await table.lives(mark)
        valueOf(await at.bench.provider.halt(at.subject, unhurried()))
        return alive
      }
      const host = { root: at.bench.root, installation: 'here', table: { ...table, lives }, path: '/usr/bin:/bin' }
      const rest = { graceMs: 1_000, commandMs: 1_000, log: { warn: () => undefined } }
      const started = await startRun({ ...host, ...rest }, directory, at.subject, { ...sleeper, terminal }, unhurried())
      expect(faultOf(started).again).toBe('gone')
      expect(processesOf(at.subject.id)).toEqual([])
    }
  })

  it('a signal comes to each process of its group, and to those that have left it', async () => {
    const child = `trap 'echo "$0 heard"' HUP; echo "$0 up"; while :; do sleep 0.05; done 2>/dev/null`
    const all = '(sh -c "$0" child) & (setsid sh -c "$0" daemon) & exec sh -c "$0" parent'
    const running = await run('', { argv: ['/bin/sh', '-c', all, child] })
    const heard: string[] = []
    let sent = false
    for await (const { bytes } of running.output) {
      heard.push(...bytes.toString().trim().split('\n'))
      if (!sent && heard.length === 3) {
        sent = true
        valueOf(await running.signal('SIGHUP'))
      }
      if (heard.length === 6) valueOf(await running.signal('SIGKILL'))
    }
    expect(heard.slice(3).sort()).toEqual(['child heard', 'daemon heard', 'parent heard'])
    expect(
      processesOf(at.subject.id).filter(({ command }) => !command.includes('keeper') && command !== 'sleep 300'),
    ).toEqual([])
  })

  it('its output ends with it, though a child in the background writes on, and the child is not killed by that', async () => {
    const [text, end] = await toEnd(
      await run('(for at in 1 2 3 4 5 6; do sleep 0.1; /bin/echo $at || exit; done; touch all) & echo done'),
    )
    expect(end).toEqual({ kind: 'exited', code: 0 })
    expect(text).toContain('done\n')
    // A child in the background tells nobody of its end.
    await expect
      .poll(() => existsSync(join(at.bench.root, at.subject.id, 'home', 'all')), { timeout: 5_000 })
      .toBe(true)
  })

  it('one that was left goes on, though it writes more than a pipe holds', async () => {
    const running = await run('sleep 0.1; head -c 5000000 /dev/zero && exit 7')
    running.leave()
    expect(await toEnd(running)).toEqual(['', { kind: 'exited', code: 7 }])
  })

  it('one that nobody reads is held up, and nothing is lost to a slow reader', async () => {
    const running = await run('seq 1 200000; exit 3')
    let held = true
    void running.ended.then(() => {
      held = false
    })
    const seen: Buffer[] = []
    for await (const { bytes } of running.output) {
      // The system says that it sleeps, waiting for room in the pipe.
      if (seen.length === 0)
        await expect.poll(() => processesOf(at.subject.id).some(({ command }) => command.startsWith('seq'))).toBe(true)
      if (seen.length === 3) expect(held).toBe(true)
      seen.push(bytes)
    }
    expect(Buffer.concat(seen).toString().split('\n').length).toBe(200_001)
    expect(await running.ended).toEqual({ kind: 'exited', code: 3 })
  })

  it('what is left of it is ended by its mark, by a service that did not start it', async () => {
    const running = await run('(setsid sleep 289 &) ; echo up; exec sleep 288', { mark: 'one' })
    const other = await run('echo up; exec sleep 287', { mark: 'other' })
    for (const one of [running, other]) expect(await firstLine(one)).toBe('up\n')
    const { inside } = at.bench.again()
    valueOf(await inside.endRun(at.subject, 'one', unhurried()))
    expect([sleeping(289), sleeping(288), sleeping(287)]).toEqual([false, false, true])
    valueOf(await inside.endRun(at.subject, 'one', unhurried()))
    expect(await running.ended).toEqual({ kind: 'killed', signal: 'SIGKILL' })
  })
})
