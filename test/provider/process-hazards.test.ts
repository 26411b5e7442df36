import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, readFile, rename, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { linuxProcesses } from '../../src/provider/process/linux-processes.ts'
import type { WorkspaceId } from '../../src/workspace/id.ts'
import type { Recipe } from '../../src/workspace/recipe.ts'
import { faultOf, made, newSubject, printed, seen, setup, stateOf, unhurried, up, valueOf } from './bench.ts'
import { gone, keepersOf, type ProcessBench, processBench, processesOf } from './process-bench.ts'

function postStart(run: string): Partial<Recipe> {
  return { postStart: [{ name: 'postStartCommand', run }] }
}

describe.skipIf(process.platform !== 'linux')('Workspaces as plain processes', () => {
  let bench: ProcessBench
  beforeEach(async () => {
    bench = await processBench()
  })
  afterEach(() => bench.close())

  /** Puts a claim there as a keeper would have written it. */
  async function claim(id: WorkspaceId, number: number, text: string): Promise<void> {
    const claims = (await readdir(join(bench.root, id))).find((name) => name.startsWith('claims-')) ?? ''
    await writeFile(join(bench.root, id, claims, `${number}.claim`), text)
  }

  it('a keeper whose process number was given to somebody else does not run, and that process is left alone', async () => {
    const subject = await made(bench.provider, newSubject(bench.recipe()))
    const bystander = spawn('sleep', ['300'], { detached: true })
    const pid = bystander.pid ?? 0
    const epoch = await linuxProcesses('VM_WORKSPACE_').epoch()
    await claim(subject.id, 1, JSON.stringify({ kind: 'keeper', pid, start: '1', epoch }))
    expect(await stateOf(bench.provider, subject.id)).toBe('exited')
    valueOf(await bench.provider.halt(subject, unhurried()))
    valueOf(await bench.provider.boot(subject, unhurried()))
    valueOf(await bench.provider.remove(subject.id, subject.containerId, unhurried()))
    expect(bystander.exitCode ?? bystander.signalCode).toBe(null)
    expect((await readFile(`/proc/${pid}/stat`, 'utf8')).includes('(sleep) S')).toBe(true)
    bystander.kill('SIGKILL')
  })

  it('a keeper that has ended and was not reaped does not run', async () => {
    const subject = await made(bench.provider, newSubject(bench.recipe()))
    const careless = spawn('sh', ['-c', 'sleep 0.01 & echo $!; exec sleep 300'])
    const [line] = await once(careless.stdout, 'data')
    const pid = Number(line)
    const stat = () => readFile(`/proc/${pid}/stat`, 'utf8')
    // Nobody is told of the end of a grandchild.
    await expect.poll(stat).toContain(') Z ')
    const start = (await stat()).split(') ')[1]?.split(' ')[19]
    const epoch = await linuxProcesses('VM_WORKSPACE_').epoch()
    await claim(subject.id, 1, JSON.stringify({ kind: 'keeper', pid, start, epoch }))
    expect(await stateOf(bench.provider, subject.id)).toBe('exited')
    careless.kill('SIGKILL')
  })

  it('a keeper of an earlier run of the host went down with it, unless it had been halted or ended with a code of its own', async () => {
    const subject = await made(bench.provider, newSubject(bench.recipe()))
    const before = JSON.stringify({ kind: 'keeper', pid: process.pid, start: '1', epoch: 'an-earlier-run' })
    const exit = async () => {
      const found = await seen(bench.provider, subject.id)
      return found?.state.kind === 'exited' ? found.state.exit : found?.state.kind
    }
    await claim(subject.id, 1, before)
    expect(await exit()).toEqual({ code: null, outOfMemory: false, withEngine: true })
    await claim(subject.id, 2, JSON.stringify({ kind: 'rest', exit: 143 }))
    expect(await exit()).toEqual({ code: 143, outOfMemory: false, withEngine: false })
    // A power cut has left the name of a claim without its text.
    await claim(subject.id, 3, '')
    expect(await exit()).toEqual({ code: null, outOfMemory: false, withEngine: true })
    valueOf(await bench.provider.boot(subject, unhurried()))
    expect(await stateOf(bench.provider, subject.id)).toBe('running')
  })

  it('a keeper that is ended by hand has exited with a code', async () => {
    const subject = await up(bench.provider, newSubject(bench.recipe()))
    const pid = keepersOf(subject.id)[0]?.pid ?? 0
    process.kill(pid, 'SIGTERM')
    await gone(pid)
    expect(await seen(bench.provider, subject.id)).toMatchObject({
      state: { kind: 'exited', exit: { code: 143, withEngine: false } },
    })
  })

  it('a daemon that has left its session and its parent ends with a halt, and with a remove', async () => {
    const daemon = '( setsid sh -c "trap \\"\\" HUP; (sleep 298 &) ; exec sleep 297" >/dev/null 2>&1 </dev/null & )'
    const subject = await up(bench.provider, newSubject(bench.recipe(postStart(daemon))))
    const sleepers = () => processesOf(subject.id).filter(({ command }) => /^sleep 29[78]$/.test(command)).length
    valueOf(await setup(bench.provider, subject))
    // The daemon is not waited for by the command that starts it.
    await expect.poll(sleepers).toBe(2)
    valueOf(await bench.provider.halt(subject, unhurried()))
    expect(processesOf(subject.id)).toEqual([])
    valueOf(await bench.provider.boot(subject, unhurried()))
    valueOf(await setup(bench.provider, subject))
    await expect.poll(sleepers).toBe(2)
    valueOf(await bench.provider.remove(subject.id, subject.containerId, unhurried()))
    expect(processesOf(subject.id)).toEqual([])
  })

  it('a process that does not end when asked is killed', async () => {
    const stubborn = '(trap "" TERM; while :; do sleep 1; done) & echo'
    const subject = await up(bench.provider, newSubject(bench.recipe(postStart(stubborn))))
    valueOf(await setup(bench.provider, subject))
    valueOf(await bench.with({ graceMs: 300 }).halt(subject, unhurried()))
    expect(processesOf(subject.id)).toEqual([])
  })

  it('what a killed keeper has left behind ends before the next one begins', async () => {
    const subject = await up(bench.provider, newSubject(bench.recipe(postStart('sleep 296 & echo'))))
    valueOf(await setup(bench.provider, subject))
    await bench.kill(subject.containerId)
    // A shell that has forked is not the program yet.
    await expect.poll(() => processesOf(subject.id).map(({ command }) => command)).toContain('sleep 296')
    valueOf(await bench.provider.boot(subject, unhurried()))
    expect(processesOf(subject.id).map(({ command }) => command)).not.toContain('sleep 296')
    expect(keepersOf(subject.id).length).toBe(1)
  })

  it('a keeper whose directory was removed by hand ends when the workspace is made anew', async () => {
    const subject = await up(bench.provider, newSubject(bench.recipe()))
    await bench.removeByHand(subject.containerId)
    const anew = await up(bench.provider, { ...subject, containerId: null })
    expect(keepersOf(anew.id).length).toBe(1)
    expect(await stateOf(bench.provider, anew.id)).toBe('running')
  })

  it('a workspace gets nothing of the environment of the service', async () => {
    process.env['VM_API_PROXY_SECRET'] = 'hush'
    const subject = await up(bench.provider, newSubject(bench.recipe({ containerEnv: { VM_WORKSPACE_ID: 'mine' } })))
    const shown = await printed(bench.provider, subject, 'env | sort | cut -d= -f1')
    delete process.env['VM_API_PROXY_SECRET']
    const marks = ['COMMAND', 'ID', 'INCARNATION', 'INSTALLATION', 'RUN'].map((name) => `VM_WORKSPACE_${name}`)
    expect(shown.split('\n')).toEqual(['HOME', 'LANG', 'PATH', 'PWD', ...marks])
    expect(processesOf(subject.id).length).toBeGreaterThan(0)
  })

  it('a command that goes on for too long is killed with its children, and the message says so', async () => {
    const subject = await up(bench.provider, newSubject(bench.recipe(postStart('echo waiting; sleep 295; echo done'))))
    const { again, message } = faultOf(
      await bench.with({ commandMs: 300 }).setup(subject, unhurried(), () => undefined),
    )
    expect(again).toBe('never')
    expect(message).toBe('postStartCommand was killed: it had not ended after 0.3 seconds. It last printed:\nwaiting')
    await expect.poll(() => processesOf(subject.id).some(({ command }) => command === 'sleep 295')).toBe(false)
  })

  it('a halt in the middle of a setup leaves nothing running, and the setup says that it may be tried again', async () => {
    const subject = await up(bench.provider, newSubject(bench.recipe(postStart('sleep 294'))))
    const underWay = setup(bench.provider, subject)
    await expect.poll(() => processesOf(subject.id).some(({ command }) => command.includes('sleep 294'))).toBe(true)
    valueOf(await bench.provider.halt(subject, unhurried()))
    expect(faultOf(await underWay).again).toBe('later')
    expect(processesOf(subject.id)).toEqual([])
  })

  it('a remove follows no link out of the directory', async () => {
    const subject = await made(bench.provider, newSubject(bench.recipe()))
    const precious = join(bench.root, 'precious')
    await mkdir(precious)
    await writeFile(join(precious, 'file'), 'kept')
    await symlink(precious, join(bench.root, subject.id, 'home', 'link'))
    valueOf(await bench.provider.remove(subject.id, subject.containerId, unhurried()))
    expect(await readFile(join(precious, 'file'), 'utf8')).toBe('kept')
  })

  it('a link in the place of a directory is neither taken for a workspace nor removed', async () => {
    const subject = await made(bench.provider, newSubject(bench.recipe()))
    const path = join(bench.root, subject.id)
    await rename(path, join(bench.root, 'elsewhere'))
    await symlink('elsewhere', path)
    expect(await stateOf(bench.provider, subject.id)).toBe('none')
    valueOf(await bench.provider.remove(subject.id, subject.containerId, unhurried()))
    expect(await readdir(join(bench.root, 'elsewhere'))).toContain('vm-api.json')
    expect(faultOf(await bench.provider.container(subject, unhurried())).again).toBe('never')
  })

  it('a directory that cannot be read makes the inventory a fault that names it, and the others are watched all the same', async () => {
    const { id } = await made(bench.provider, newSubject(bench.recipe()))
    await writeFile(join(bench.root, id, 'vm-api.json'), '{ not json')
    expect(faultOf(await bench.provider.inventory(unhurried())).message).toContain(id)
    expect(faultOf(await bench.provider.inspect(id, unhurried())).message).toContain(id)
    await writeFile(
      join(bench.root, id, 'vm-api.json'),
      JSON.stringify({ installation: 'here', workspaceId: id, incarnation: '../..' }),
    )
    expect(faultOf(await bench.provider.remove(id, null, unhurried())).message).toContain(id)
  })

  it('a root that was lost is an engine that is away, not one without workspaces', async () => {
    await made(bench.provider, newSubject(bench.recipe()))
    await rename(bench.root, `${bench.root}.lost`)
    expect(faultOf(await bench.provider.inventory(unhurried())).again).toBe('away')
    expect(faultOf(await bench.provider.ready(unhurried())).again).toBe('away')
    await rename(`${bench.root}.lost`, bench.root)
    valueOf(await bench.provider.ready(unhurried()))
  })

  it('what a crash left half made or half removed goes with the workspace', async () => {
    const subject = await up(bench.provider, newSubject(bench.recipe()))
    await mkdir(join(bench.root, `.new-${subject.id}-half`, 'home'), { recursive: true })
    await writeFile(join(bench.root, `.new-${subject.id}-half`, 'vm-api.json'), '{ "inst')
    await mkdir(join(bench.root, `.gone-${subject.id}-half`, 'home'), { recursive: true })
    expect(await stateOf(bench.provider, subject.id)).toBe('running')
    valueOf(await bench.provider.remove(subject.id, subject.containerId, unhurried()))
    expect(await readdir(bench.root)).toEqual([])
  })

  it('old claims are cleared away, however often a workspace is halted and booted', async () => {
    const subject = await made(bench.provider, newSubject(bench.recipe()))
    for (let round = 0; round < 5; round += 1) {
      valueOf(await bench.provider.boot(subject, unhurried()))
      valueOf(await bench.provider.halt(subject, unhurried()))
    }
    const claims = (await readdir(join(bench.root, subject.id))).find((name) => name.startsWith('claims-')) ?? ''
    expect(await readdir(join(bench.root, subject.id, claims))).toEqual(['10.claim'])
  })
})

describe('Where processes cannot be found again', () => {
  it('every request is told that Docker is needed', async () => {
    const bench = await processBench()
    const windows = bench.with({ platform: 'win32' })
    expect(faultOf(await windows.ready(unhurried()))).toMatchObject({
      again: 'never',
      message: expect.stringContaining('Docker'),
    })
    expect(faultOf(await windows.container(newSubject(bench.recipe()), unhurried())).again).toBe('never')
    windows.watch(() => undefined).close()
    await bench.close()
  })
})
