import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { dockerProvider } from '../../src/provider/docker/docker-provider.ts'
import type { LogPiece, LogWish } from '../../src/provider/inside.ts'
import type { Subject } from '../../src/workspace/subject.ts'
import { clientOf, sweep } from '../engine/client.ts'
import { baseImage, ensureBaseImage } from '../engine/images.ts'
import { liveEngine, noEngine } from '../engine/live-engine.ts'
import { silentLog } from '../engine/silent-log.ts'
import { faultOf, newSubject, plainRecipe, unhurried, up, valueOf } from './bench.ts'
import { told } from './inside-bench.ts'

const live = await liveEngine()
const target = live ?? noEngine
const installation = randomUUID()

describe.skipIf(live === undefined)('The log of a main process of its own', { timeout: 60_000 }, () => {
  const docker = clientOf(target)
  const provider = dockerProvider({ installation, docker: target, log: silentLog })
  const name = `vm-test/talks-${randomUUID()}`
  const all: LogWish = { since: null, tail: null, follow: false }
  let subject: Subject & { readonly containerId: string }
  beforeAll(async () => {
    await ensureBaseImage(docker)
    const blank = await docker.createContainer({ Image: baseImage, Cmd: ['true'] })
    const script =
      'trap "exit 0" TERM; echo first line; echo second >&2; head -c 40000 /dev/zero; echo end; touch /tmp/said; while :; do sleep 0.1; done'
    await blank.commit({ repo: name, tag: '1', changes: `CMD ${JSON.stringify(['/bin/sh', '-c', script])}` })
    await blank.remove({})
    subject = await up(provider, newSubject(plainRecipe({ image: `${name}:1`, overrideCommand: false, init: false })))
  })
  afterAll(async () => {
    valueOf(await provider.remove(subject.id, subject.containerId, unhurried()))
    await docker.getImage(`${name}:1`).remove({})
    await sweep(docker, installation)
  })

  async function read(wish: Partial<LogWish>): Promise<{ pieces: LogPiece[]; stdout: string; stderr: string }> {
    const pieces: LogPiece[] = []
    for await (const piece of valueOf(await provider.inside.logs(subject, { ...all, ...wish }, unhurried())))
      pieces.push(piece)
    const of = (wanted: string) =>
      Buffer.concat(pieces.filter((piece) => piece.stream === wanted).map(({ bytes }) => bytes))
    return { pieces, stdout: of('stdout').toString(), stderr: of('stderr').toString() }
  }
  // The engine may keep an unfinished last line from whoever follows.
  const everything = `first line\n${'\0'.repeat(40_000)}end\n`

  it('is told with times, apart by stream, whole, and followed to its end', async () => {
    const following = read({ follow: true })
    await expect.poll(() => told(provider, subject, 'ls /tmp')).toBe('said\n')
    valueOf(await provider.halt(subject, unhurried()))
    const { pieces, stdout, stderr } = await following
    expect([stdout === everything, stderr]).toEqual([true, 'second\n'])
    for (const { at } of pieces) expect(at).toBeGreaterThan(Date.now() - 600_000)
    expect((await read({})).stdout === everything).toBe(true)
  })

  it('is told from a time on, and as many of the last lines as are wanted', async () => {
    const times = (await read({})).pieces.map(({ at }) => at ?? 0)
    expect((await read({ since: Math.max(...times) + 1 })).pieces).toEqual([])
    expect((await read({ since: Math.min(...times) })).stdout === everything).toBe(true)
    expect((await read({ tail: 0 })).pieces).toEqual([])
    // Which of its two streams the engine heard last is the engine's secret.
    const { stdout, stderr } = await read({ tail: 1 })
    expect(['end\n', 'second\n']).toContain((stdout + stderr).slice(-(stderr === '' ? 4 : 7)))
    expect(stdout === '' || stderr === '').toBe(true)
  })

  it("of another installation's container is not there", async () => {
    const other = dockerProvider({ installation: randomUUID(), docker: target, log: silentLog })
    expect(faultOf(await other.inside.logs(subject, all, unhurried())).again).toBe('gone')
  })
})
