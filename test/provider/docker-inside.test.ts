import { randomUUID } from 'node:crypto'
import { PassThrough } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { dockerProvider } from '../../src/provider/docker/docker-provider.ts'
import { parseHost } from '../../src/provider/docker/host.ts'
import type { Provider } from '../../src/provider/provider.ts'
import type { Recipe } from '../../src/workspace/recipe.ts'
import type { Subject } from '../../src/workspace/subject.ts'
import { clientOf, sweep } from '../engine/client.ts'
import { baseImage, ensureBaseImage } from '../engine/images.ts'
import { liveEngine, noEngine } from '../engine/live-engine.ts'
import { silentLog } from '../engine/silent-log.ts'
import { type StallingProxy, stallingProxy } from '../engine/stalling-proxy.ts'
import { faultOf, newSubject, plainRecipe, unhurried, up, valueOf } from './bench.ts'
import { bytesOf, faultIn, flood, granted, refusedOf, textOf, told } from './inside-bench.ts'
import { busyFor, commandOf, endOf, heardUntil, shellIn } from './run-bench.ts'

const live = await liveEngine()
const target = live ?? noEngine
const installation = randomUUID()
const whole = { append: false, mode: null }

describe.skipIf(live === undefined)('Inside a container', { timeout: 60_000 }, () => {
  const docker = clientOf(target)
  const provider = dockerProvider({ installation, docker: target, log: silentLog })
  const { inside } = provider
  const booted = (partial: Partial<Recipe> = {}) =>
    up(provider, newSubject(plainRecipe({ image: baseImage, ...partial })))
  const asRoot = async (subject: Subject, script: string) =>
    expect((await endOf(await shellIn(inside, subject, script, { user: 'root' }))).end).toEqual({
      kind: 'exited',
      code: 0,
    })
  const programs = async (subject: Subject) => {
    const top: { Processes: string[][] } = await docker.getContainer(subject.containerId ?? '').top()
    return top.Processes.map((words) => words.at(-1) ?? '').filter((words) => words.startsWith('sleep 4'))
  }

  /** The same engine by way of a proxy that can be taken away. */
  async function proxied(): Promise<{ proxy: StallingProxy; away: Provider }> {
    const proxy = await stallingProxy(target.at.kind === 'socket' ? target.at.path : '')
    const at = valueOf(parseHost(proxy.host, null))
    return { proxy, away: dockerProvider({ installation, docker: { ...target, at }, log: silentLog }) }
  }

  beforeAll(() => ensureBaseImage(docker))
  afterAll(() => sweep(docker, installation))

  it('a command whose container is removed under it ends, and so does its output', async () => {
    const subject = await booted()
    const run = await shellIn(inside, subject, 'echo up; exec sleep 400')
    await heardUntil(run, 'up')
    await docker.getContainer(subject.containerId).remove({ force: true })
    const { end } = await endOf(run)
    expect(end.kind === 'exited' ? end.code : end.kind).toBeOneOf([137, 'lost'])
    valueOf(await run.signal('SIGKILL'))
  })

  it('a command whose engine goes away is lost, and is found and ended by its mark when it is back', async () => {
    const subject = await booted()
    const { proxy, away } = await proxied()
    const run = await shellIn(away.inside, subject, 'echo up; exec sleep 401', { mark: 'orphan' })
    await heardUntil(run, 'up')
    await proxy.vanish()
    expect((await endOf(run)).end.kind).toBe('lost')
    expect(faultOf(await away.inside.run(subject, commandOf({}), unhurried())).again).toBe('away')
    expect(faultOf(await away.inside.endRun(subject, 'orphan', unhurried())).again).toBe('away')
    await proxy.appear()
    await expect.poll(() => programs(subject)).toEqual(['sleep 401'])
    valueOf(await away.inside.endRun(subject, 'orphan', unhurried()))
    expect(await programs(subject)).toEqual([])
    await proxy.close()
  })

  it('commands run as the user that is asked for, and are ended whoever that was', async () => {
    const subject = await booted({ remoteUser: 'dev' })
    const plain = await endOf(await shellIn(inside, subject, 'id -un; echo $HOME'))
    expect(plain.stdout.toString()).toBe('dev\n/home/dev\n')
    for (const user of ['root', 'dev', '1234']) {
      const run = await shellIn(inside, subject, 'echo up; exec sleep 402', { user, mark: 'theirs' })
      await heardUntil(run, 'up')
    }
    await expect.poll(async () => (await programs(subject)).length).toBe(3)
    valueOf(await inside.endRun(subject, 'theirs', unhurried()))
    expect(await programs(subject)).toEqual([])
  })

  it('a kill also ends what has become another user', async () => {
    const subject = await booted()
    const run = await shellIn(inside, subject, 'su dev -c "exec sleep 403" & echo up; exec sleep 404')
    await heardUntil(run, 'up')
    await expect.poll(async () => (await programs(subject)).length).toBe(2)
    valueOf(await run.signal('SIGKILL'))
    expect(await programs(subject)).toEqual([])
    expect(await run.ended).toEqual({ kind: 'killed', signal: 'SIGKILL' })
  })

  it('a kill also ends a job of a terminal that has shed its environment', async () => {
    const subject = await booted()
    const terminal = { columns: 80, rows: 24 }
    const run = await shellIn(inside, subject, 'set -m; env -i /bin/sleep 405 & echo up; exec sleep 406', { terminal })
    await heardUntil(run, 'up')
    const jobs = async () => (await told(provider, subject, 'ps -o args | grep -c "[s]leep 40[56]"; true')).trim()
    await expect.poll(jobs).toBe('2')
    valueOf(await run.signal('SIGKILL'))
    expect(await jobs()).toBe('0')
  })

  it('a paused container is not asked to run anything, and the fault says that it may be later', async () => {
    const subject = await booted()
    await docker.getContainer(subject.containerId).pause()
    expect(faultOf(await inside.run(subject, commandOf({}), unhurried())).again).toBe('later')
    await docker.getContainer(subject.containerId).unpause()
  })

  it('what a killed container has left half come goes with a later write, and only that', async () => {
    const subject = await booted()
    const [old, young] = [`.vm-api-${randomUUID()}`, `.vm-api-${randomUUID()}`]
    for (const folder of ['/srv', '/opt/into'])
      await asRoot(
        subject,
        `mkdir -p ${folder}; cd ${folder}; touch ${young}; touch -t 202001010000 ${old} .vm-api-mine`,
      )
    granted(await inside.files.write(subject, '/srv/file', textOf('new'), whole, unhurried()))
    const tree = granted(await inside.files.pack(subject, '/srv/file', unhurried()))
    granted(await inside.files.unpack(subject, '/opt/into', tree, unhurried()))
    const left = ['.vm-api-mine', young, 'file'].sort().join('\n')
    expect(await told(provider, subject, 'ls -A /srv | LC_ALL=C sort')).toBe(`${left}\n`)
    expect(await told(provider, subject, 'ls -A /opt/into | LC_ALL=C sort')).toBe(`${left}\n`)
  })

  it('a write whose container is killed says so', async () => {
    const subject = await booted()
    const source = new PassThrough()
    source.write('half')
    const written = inside.files.write(subject, '/tmp/file', source, whole, unhurried())
    await expect
      .poll(() => told(provider, subject, 'cat /tmp/.vm-api-* 2>/dev/null; true'), { timeout: 20_000 })
      .toBe('half')
    await docker.getContainer(subject.containerId).kill()
    const { message } = faultIn(await written)
    expect(message).toMatch(/was killed|was not heard/)
  })

  it('what the user may not do with files is denied', async () => {
    const subject = await booted({ remoteUser: 'dev' })
    await asRoot(subject, 'mkdir -m 700 /locked; echo s > /locked/f; echo p > /etc/p; chmod 600 /etc/p')
    const { files } = inside
    const put = (path: string) => files.write(subject, path, textOf('x'), whole, unhurried())
    expect(refusedOf(await files.read(subject, '/etc/p', unhurried()))).toBe('denied')
    expect(refusedOf(await files.stat(subject, '/locked/f', unhurried()))).toBe('denied')
    expect(refusedOf(await files.list(subject, '/locked', unhurried()))).toBe('denied')
    expect(refusedOf(await files.pack(subject, '/locked', unhurried()))).toBe('denied')
    for (const path of ['/etc/p', '/etc/new', '/locked/f']) expect(refusedOf(await put(path))).toBe('denied')
    expect(refusedOf(await files.makeDirectory(subject, '/etc/d', unhurried()))).toBe('denied')
    expect(refusedOf(await files.move(subject, '/etc/p', '/tmp/p', unhurried()))).toBe('denied')
    for (const path of ['/etc/p', '/'])
      expect(refusedOf(await files.remove(subject, path, true, unhurried()))).toBe('denied')
    expect(await told(provider, subject, 'ls -A /etc /tmp | grep vm-api; echo none')).toBe('none\n')
  })

  it('a file that does not fit leaves the old one, and nothing half written', async () => {
    const subject = await booted({ limits: { cpus: 1, memoryBytes: 512 * 2 ** 20, pids: 128 } })
    const { files } = inside
    granted(await files.write(subject, '/dev/shm/f', textOf('stands'), whole, unhurried()))
    const { source } = flood(80 * 2 ** 20)
    expect(refusedOf(await files.write(subject, '/dev/shm/f', source, whole, unhurried()))).toBe('no-space')
    expect(await told(provider, subject, 'cat /dev/shm/f; ls -A /dev/shm')).toBe('standsf\n')
  })

  it('a write that loses the engine half-way leaves the old file, and nothing half written', async () => {
    const subject = await booted()
    granted(await inside.files.write(subject, 'f', textOf('stands'), whole, unhurried()))
    const { proxy, away } = await proxied()
    const { source } = flood(2 ** 30)
    const writing = away.inside.files.write(subject, 'f', source, whole, unhurried())
    await expect.poll(() => told(provider, subject, 'ls -A | wc -l')).toBe('2\n')
    await proxy.vanish()
    faultIn(await writing)
    await expect.poll(() => told(provider, subject, 'cat f; ls -A')).toBe('standsf\n')
    await proxy.close()
  })

  it('one that ended with output that nobody reads holds up no other in its container', async () => {
    const subject = await booted()
    const unread = await shellIn(inside, subject, 'head -c 100000000 /dev/zero', { mark: 'unread' })
    valueOf(await inside.endRun(subject, 'unread', unhurried()))
    expect((await endOf(await shellIn(inside, subject, 'echo other'))).stdout.toString()).toBe('other\n')
    expect(await unread.ended).toEqual({ kind: 'exited', code: 137 })
    const { stdout } = await endOf(unread)
    expect(stdout.length).toBeGreaterThan(0)
    expect(stdout.length).toBeLessThan(4_000_000)
  })

  it('all that the engine holds of what one wrote is there after its end, though nobody read it and this process was busy', async () => {
    const subject = await booted()
    const run = await shellIn(inside, subject, 'head -c 1300000 /dev/zero; echo end >&2')
    expect(await run.ended).toEqual({ kind: 'exited', code: 0 })
    busyFor(600)
    await delay(1500) // that nobody reads it is what is tried
    const { stdout, stderr } = await endOf(run)
    expect([stdout.length, stderr.toString()]).toEqual([1_300_000, 'end\n'])
  })

  it('a read that nobody finishes leaves no process behind', async () => {
    const subject = await booted()
    await told(provider, subject, 'head -c 50000000 /dev/zero > zeros')
    const { bytes } = granted(await inside.files.read(subject, 'zeros', unhurried()))
    await bytes[Symbol.asyncIterator]().next()
    bytes.destroy()
    await expect.poll(() => told(provider, subject, 'cat /proc/[0-9]*/cmdline | grep -c "[c]at <&3"; true')).toBe('0\n')
    expect((await bytesOf(granted(await inside.files.read(subject, 'zeros', unhurried())).bytes)).length).toBe(
      50_000_000,
    )
  })

  it('what a lifecycle command writes is told apart by stream', async () => {
    const run = 'echo out; echo err >&2'
    const subject = await booted({ postStart: [{ name: 'postStartCommand', run }] })
    const heard: string[] = []
    valueOf(
      await provider.setup(
        subject,
        unhurried(),
        () => undefined,
        (command, { stream, bytes }) => heard.push(`${command} ${stream} ${bytes.toString()}`),
      ),
    )
    expect(heard.toSorted()).toEqual(['postStartCommand stderr err\n', 'postStartCommand stdout out\n'])
  })
})
