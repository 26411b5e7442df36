import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Directory, findDirectory } from '../../src/provider/process/directory.ts'
import { halt } from '../../src/provider/process/ending.ts'
import type { Host } from '../../src/provider/process/host.ts'
import { boot } from '../../src/provider/process/keeper.ts'
import { linuxProcesses } from '../../src/provider/process/linux-processes.ts'
import type { Subject } from '../../src/workspace/subject.ts'
import { faultOf, made, newSubject, stateOf, unhurried, valueOf } from './bench.ts'
import { gone, keepersOf, type ProcessBench, processBench, processesOf } from './process-bench.ts'

// Claims alone have to keep their promise (claim.ts, C1–C5): the table is blind here, so that no keeper is found by its marks.
describe.skipIf(process.platform !== 'linux')('A keeper that nobody can see', () => {
  let bench: ProcessBench
  let subject: Subject
  let directory: Directory
  beforeEach(async () => {
    bench = await processBench()
    subject = await made(bench.provider, newSubject(bench.recipe()))
    const found = await findDirectory(bench.root, 'here', subject.id)
    if (found === null) throw new Error('no directory was made')
    directory = found
  })
  afterEach(() => bench.close())

  /** A host whose keepers take `lateMs` from their start to their claim. */
  function blindHost(lateMs = 0): Host {
    const table = linuxProcesses('VM_WORKSPACE_')
    const late = lateMs === 0 ? '' : `sleep ${lateMs / 1000}; `
    const blind = { ...table, marked: async () => [], readStart: `${late}${table.readStart}` }
    const log = { warn: () => undefined }
    return {
      root: bench.root,
      installation: 'here',
      table: blind,
      path: '/usr/bin:/bin',
      graceMs: 1_000,
      commandMs: 1_000,
      log,
    }
  }

  /** Starts a keeper and stops waiting for it, as a service does that is killed. Answers its process number. */
  async function startLate(lateMs: number): Promise<number> {
    const signal = AbortSignal.timeout(200)
    faultOf(await boot(blindHost(lateMs), directory, subject, signal))
    const [keeper] = keepersOf(subject.id)
    if (keeper === undefined) throw new Error('the keeper has not been late')
    return keeper.pid
  }

  it('ends by itself if it was started before a halt and is late', async () => {
    const pid = await startLate(1_000)
    valueOf(await halt(blindHost(), directory, subject.id, unhurried()))
    await gone(pid)
    expect(await stateOf(bench.provider, subject.id)).toBe('made')
  })

  it('ends by itself if another one has its number', async () => {
    const pid = await startLate(1_000)
    const { connection } = valueOf(await boot(blindHost(), directory, subject, unhurried()))
    await gone(pid)
    expect(keepersOf(subject.id).map((keeper) => keeper.pid)).toEqual([connection['pid']])
  })

  it('ends by itself if its number was cleared away as an old one', async () => {
    const pid = await startLate(3_000)
    for (let round = 0; round < 2; round += 1) {
      valueOf(await boot(blindHost(), directory, subject, unhurried()))
      valueOf(await halt(blindHost(), directory, subject.id, unhurried()))
    }
    const { connection } = valueOf(await boot(blindHost(), directory, subject, unhurried()))
    expect(processesOf(subject.id).map((one) => one.pid)).toContain(pid)
    await gone(pid)
    expect(keepersOf(subject.id).map((keeper) => keeper.pid)).toEqual([connection['pid']])
  })

  it('is one of many that were started at once, and the only one that stays', async () => {
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, at) => boot(blindHost(at * 10), directory, subject, unhurried())),
    )
    const pids = new Set(answers.map((answer) => valueOf(answer).connection['pid']))
    expect(pids.size).toBe(1)
    // Those that lost end by themselves, and are told to nobody.
    await expect.poll(() => keepersOf(subject.id).map((keeper) => keeper.pid)).toEqual([...pids])
  })

  it('is one or none after boots and halts at once, as the one that looks sees it', async () => {
    for (let round = 0; round < 5; round += 1) {
      const host = blindHost()
      const both = [boot(host, directory, subject, unhurried()), halt(host, directory, subject.id, unhurried())]
      await Promise.all([...both, delay(round * 5).then(() => boot(host, directory, subject, unhurried()))])
      const running = (await stateOf(bench.provider, subject.id)) === 'running'
      await expect.poll(() => keepersOf(subject.id).length).toBe(running ? 1 : 0)
    }
  })
})
