import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Subject } from '../../src/workspace/subject.ts'
import { connectionOf, made, newSubject, stateOf, unhurried, up, valueOf } from './bench.ts'
import { gone, keepersOf, type ProcessBench, processBench, processesOf } from './process-bench.ts'

const child = fileURLToPath(new URL('process-crash-child.mjs', import.meta.url))

/** Another service process that does one thing and is killed some time after it began with it, in milliseconds, or when something is seen. */
async function killedService(
  bench: ProcessBench,
  verb: 'boot' | 'setup' | 'shell',
  subject: Subject,
  after: number | (() => Promise<void>),
): Promise<void> {
  const given = JSON.stringify({ root: bench.root, path: process.env['PATH'], verb, subject })
  const service = spawn(process.execPath, [child, given], { stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = once(service, 'exit')
  await once(service.stdout, 'data')
  // The moment of the crash is what is being tried here.
  await (typeof after === 'number' ? delay(after) : after())
  service.kill('SIGKILL')
  await ended
}

describe.skipIf(process.platform !== 'linux')('A service that is killed', () => {
  let bench: ProcessBench
  beforeEach(async () => {
    bench = await processBench()
  })
  afterEach(() => bench.close())

  it('leaves exactly one keeper after one more boot, whenever it was killed in the first', {
    timeout: 120_000,
  }, async () => {
    for (let round = 0; round < 20; round += 1) {
      const subject = await made(bench.provider, newSubject(bench.recipe()))
      await killedService(bench, 'boot', subject, 10 + round * 2)
      const { connection } = valueOf(await bench.provider.boot(subject, unhurried()))
      await onlyOne(subject)
      expect(keepersOf(subject.id)[0]?.pid).toBe(connection['pid'])
    }
  })

  it('leaves nothing running after a halt, whenever it was killed in a boot before', { timeout: 120_000 }, async () => {
    for (let round = 0; round < 10; round += 1) {
      const subject = await made(bench.provider, newSubject(bench.recipe()))
      await killedService(bench, 'boot', subject, 10 + round * 4)
      valueOf(await bench.provider.halt(subject, unhurried()))
      for (const { pid } of processesOf(subject.id)) await gone(pid)
      expect(await stateOf(bench.provider, subject.id)).not.toBe('running')
    }
  })

  it('leaves its workspaces running, and the next service finds them by process and start time', async () => {
    const subject = await made(bench.provider, newSubject(bench.recipe()))
    await killedService(bench, 'boot', subject, 2_000)
    const [keeper] = keepersOf(subject.id)
    expect((await connectionOf(bench.provider, subject.id))['pid']).toBe(keeper?.pid)
    valueOf(await bench.provider.boot(subject, unhurried()))
    await onlyOne(subject)
  })

  it('leaves no command of a setup running beside the same one in the next service', async () => {
    const postCreate = [{ name: 'postCreateCommand', run: '[ -e second ] || { touch second; exec sleep 299; }' }]
    const subject = await up(bench.provider, newSubject(bench.recipe({ postCreate })))
    await killedService(bench, 'setup', subject, 1_000)
    const sleeper = processesOf(subject.id).find(({ command }) => command === 'sleep 299')
    expect(sleeper).toBeDefined()
    valueOf(await bench.provider.setup(subject, unhurried(), () => undefined))
    expect(processesOf(subject.id).some(({ command }) => command === 'sleep 299')).toBe(false)
    expect(await stateOf(bench.provider, subject.id)).toBe('running')
  })

  it('hangs up the shells that it held, though commands that began after them go on', async () => {
    const subject = await up(bench.provider, newSubject(bench.recipe()))
    const running = () => processesOf(subject.id).map(({ command }) => command)
    await killedService(bench, 'shell', subject, async () => {
      await expect.poll(running, { timeout: 10_000 }).toContain('sleep 285')
      expect(running()).toContain('sleep 286')
    })
    // The kernel tells nobody but the shell.
    await expect.poll(running).not.toContain('sleep 286')
    expect(running()).toContain('sleep 285')
  })

  /** A keeper that was late and lost ends by itself; until then it is counted, so the count is taken again. */
  async function onlyOne(subject: Subject): Promise<void> {
    await expect.poll(() => keepersOf(subject.id).length, { timeout: 5_000, interval: 20 }).toBe(1)
  }
})
