import { rmSync } from 'node:fs'
import { appendFile, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { LogWish } from '../../src/provider/inside.ts'
import type { Subject } from '../../src/workspace/subject.ts'
import { faultOf, newSubject, unhurried, up, valueOf } from './bench.ts'
import { type ProcessBench, processBench } from './process-bench.ts'

describe.skipIf(process.platform === 'win32')('The log of a workspace of plain processes', () => {
  let bench: ProcessBench
  let subject: Subject
  beforeEach(async () => {
    bench = await processBench()
    subject = await up(bench.provider, newSubject(bench.recipe()))
  })
  afterEach(() => bench.close())

  const all: LogWish = { since: null, tail: null, follow: false }
  const logFile = () => join(bench.root, subject.id, 'keeper.log')
  const write = (text: string) => appendFile(logFile(), text)
  const pieces = async (wish: Partial<LogWish>, signal = unhurried()) =>
    valueOf(await bench.provider.inside.logs(subject, { ...all, ...wish }, signal))

  async function textOf(wish: Partial<LogWish>): Promise<string> {
    let text = ''
    for await (const { stream, bytes, at } of await pieces(wish)) {
      expect([stream, at]).toEqual(['stderr', null])
      text += bytes.toString()
    }
    return text
  }

  it('is what its keepers wrote, or the last lines of it, after its end as well', async () => {
    expect(await textOf({})).toBe('')
    await write('one\ntwo\n\nfour')
    expect(await textOf({})).toBe('one\ntwo\n\nfour')
    expect(await textOf({ tail: 0 })).toBe('')
    expect(await textOf({ tail: 1 })).toBe('four')
    expect(await textOf({ tail: 3 })).toBe('two\n\nfour')
    // Its shell may have a word to say of its end.
    valueOf(await bench.provider.halt(subject, unhurried()))
    await truncate(logFile(), 13)
    await write('\n')
    expect(await textOf({ tail: 1 })).toBe('four\n')
    expect(await textOf({ tail: 9, follow: true })).toBe('one\ntwo\n\nfour\n')
    await write('x'.repeat(200_000))
    await write('\nlast\n')
    expect(await textOf({ tail: 2 })).toBe(`${'x'.repeat(200_000)}\nlast\n`)
  })

  it('is followed until the keeper ends, with what it wrote last', async () => {
    await write('one\n')
    let text = ''
    for await (const { bytes } of await pieces({ follow: true })) {
      text += bytes.toString()
      if (text === 'one\n') await write('two\n')
      if (text === 'one\ntwo\n') {
        await bench.provider.halt(subject, unhurried())
        await write('three\n')
      }
    }
    expect(text).toMatch(/^one\ntwo\n(Terminated\n)?three\n$/)
  })

  it('is followed until nobody waits for it, and of a workspace that is gone there is none', async () => {
    await write('one\n')
    const leaving = new AbortController()
    for await (const { bytes } of await pieces({ follow: true }, leaving.signal)) {
      expect(bytes.toString()).toBe('one\n')
      leaving.abort()
    }
    valueOf(await bench.provider.remove(subject.id, subject.containerId, unhurried()))
    expect(faultOf(await bench.provider.inside.logs(subject, all, unhurried())).again).toBe('gone')
  })

  it('all that lifecycle commands write is heard, with the name of the command, while they run', async () => {
    const onCreate = [
      {
        name: 'onCreateCommand',
        run: 'echo out; echo err >&2; touch heard-of; while [ -e heard-of ]; do sleep 0.02; done; exit 0',
      },
    ]
    const postStart = [{ name: 'postStartCommand.big', run: 'seq 1 100000; exit 3' }]
    const asked = { ...subject, recipe: bench.recipe({ onCreate, postStart }) }
    const heard = new Map<string, string>()
    const hear = (name: string, bytes: Buffer) => {
      heard.set(name, (heard.get(name) ?? '') + bytes.toString())
      if (heard.get('onCreateCommand') === 'out\nerr\n')
        rmSync(join(bench.root, subject.id, 'home', 'heard-of'), { force: true })
    }
    const { again } = faultOf(
      await bench.provider.setup(
        asked,
        unhurried(),
        () => undefined,
        (name, { bytes }) => hear(name, bytes),
      ),
    )
    expect(again).toBe('never')
    expect(heard.get('onCreateCommand')).toBe('out\nerr\n')
    expect(heard.get('postStartCommand.big')?.split('\n').length).toBe(100_001)
  })
})
