import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { dockerProvider } from '../../../../src/provider/docker/docker-provider.ts'
import type { LogChunk, LogOptions } from '../../../../src/provider/guest.ts'
import type { WorkspaceRef } from '../../../../src/workspace/workspace-ref.ts'
import { dockerClient, removeAll } from '../../../engine/docker-client.ts'
import { baseImage, ensureBaseImage } from '../../../engine/images.ts'
import { liveEngine, noEngine } from '../../../engine/live-engine.ts'
import { silentLog } from '../../../silent-log.ts'
import {
  faultOf,
  newWorkspaceRef,
  plainSpec,
  neverAborted,
  runningWorkspace,
  valueOf,
} from '../../contract/provider-fixture.ts'
import { runScript } from '../../contract/guest-fixture.ts'

const live = await liveEngine()
const target = live ?? noEngine
const installation = randomUUID()

describe.skipIf(live === undefined)('The log of a main process of its own', { timeout: 60_000 }, () => {
  const docker = dockerClient(target)
  const provider = dockerProvider({ installation, target: target, log: silentLog })
  const name = `vm-test/talks-${randomUUID()}`
  const all: LogOptions = { since: null, tail: null, follow: false }
  let workspace: WorkspaceRef & { readonly containerId: string }
  beforeAll(async () => {
    await ensureBaseImage(docker)
    const blank = await docker.createContainer({ Image: baseImage, Cmd: ['true'] })
    const script =
      'trap "exit 0" TERM; echo first line; echo second >&2; head -c 40000 /dev/zero; echo end; touch /tmp/said; while :; do sleep 0.1; done'
    await blank.commit({ repo: name, tag: '1', changes: `CMD ${JSON.stringify(['/bin/sh', '-c', script])}` })
    await blank.remove({})
    workspace = await runningWorkspace(
      provider,
      newWorkspaceRef(plainSpec({ image: `${name}:1`, overrideCommand: false, init: false })),
    )
  })
  afterAll(async () => {
    valueOf(await provider.remove(workspace.id, workspace.containerId, neverAborted()))
    await docker.getImage(`${name}:1`).remove({})
    await removeAll(docker, installation)
  })

  async function read(options: Partial<LogOptions>): Promise<{ pieces: LogChunk[]; stdout: string; stderr: string }> {
    const chunks: LogChunk[] = []
    for await (const chunk of valueOf(await provider.guest.logs(workspace, { ...all, ...options }, neverAborted())))
      chunks.push(chunk)
    const textOf = (stream: string) =>
      Buffer.concat(chunks.filter((chunk) => chunk.stream === stream).map(({ bytes }) => bytes))
    return { pieces: chunks, stdout: textOf('stdout').toString(), stderr: textOf('stderr').toString() }
  }
  // The engine may keep an unfinished last line from whoever follows.
  const everything = `first line\n${'\0'.repeat(40_000)}end\n`

  it('is told with times, apart by stream, whole, and followed to its end', async () => {
    const following = read({ follow: true })
    await expect.poll(() => runScript(provider, workspace, 'ls /tmp')).toBe('said\n')
    valueOf(await provider.stop(workspace, neverAborted()))
    const { pieces: chunks, stdout, stderr } = await following
    expect([stdout === everything, stderr]).toEqual([true, 'second\n'])
    for (const { at } of chunks) expect(at).toBeGreaterThan(Date.now() - 600_000)
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
    const other = dockerProvider({ installation: randomUUID(), target: target, log: silentLog })
    expect(faultOf(await other.guest.logs(workspace, all, neverAborted())).kind).toBe('missing')
  })
})
