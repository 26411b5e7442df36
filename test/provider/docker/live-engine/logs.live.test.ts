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

describe.skipIf(live === undefined)("The log of an image's own command", { timeout: 60_000 }, () => {
  const docker = dockerClient(target)
  const provider = dockerProvider({ installation, target, log: silentLog })
  const name = `vm-test/logs-${randomUUID()}`
  const all: LogOptions = { since: null, tail: null, follow: false }
  let workspace: WorkspaceRef & { readonly containerId: string }
  beforeAll(async () => {
    await ensureBaseImage(docker)
    const blank = await docker.createContainer({ Image: baseImage, Cmd: ['true'] })
    const script =
      'trap "exit 0" TERM; echo first line; echo second >&2; head -c 40000 /dev/zero; echo end; touch /tmp/done; while :; do sleep 0.1; done'
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

  async function read(options: Partial<LogOptions>): Promise<{ chunks: LogChunk[]; stdout: string; stderr: string }> {
    const chunks: LogChunk[] = []
    for await (const chunk of valueOf(await provider.guest.logs(workspace, { ...all, ...options }, neverAborted())))
      chunks.push(chunk)
    const textOf = (stream: string) =>
      Buffer.concat(chunks.filter((chunk) => chunk.stream === stream).map(({ bytes }) => bytes))
    return { chunks, stdout: textOf('stdout').toString(), stderr: textOf('stderr').toString() }
  }
  // Ends with a newline: the engine may withhold an unfinished last line from followers.
  const everything = `first line\n${'\0'.repeat(40_000)}end\n`

  it('has timestamps and both streams, is complete, and is followed to its end', async () => {
    const following = read({ follow: true })
    await expect.poll(() => runScript(provider, workspace, 'ls /tmp')).toBe('done\n')
    valueOf(await provider.stop(workspace, neverAborted()))
    const { chunks, stdout, stderr } = await following
    expect([stdout === everything, stderr]).toEqual([true, 'second\n'])
    for (const { at } of chunks) expect(at).toBeGreaterThan(Date.now() - 600_000)
    expect((await read({})).stdout === everything).toBe(true)
  })

  it('can be limited to output since a time, and to the last lines', async () => {
    const times = (await read({})).chunks.map(({ at }) => at ?? 0)
    expect((await read({ since: Math.max(...times) + 1 })).chunks).toEqual([])
    expect((await read({ since: Math.min(...times) })).stdout === everything).toBe(true)
    expect((await read({ tail: 0 })).chunks).toEqual([])
    // Which of the two streams the engine read last is unspecified.
    const { stdout, stderr } = await read({ tail: 1 })
    expect(['end\n', 'second\n']).toContain((stdout + stderr).slice(-(stderr === '' ? 4 : 7)))
    expect(stdout === '' || stderr === '').toBe(true)
  })

  it("of another installation's container is missing", async () => {
    const other = dockerProvider({ installation: randomUUID(), target, log: silentLog })
    expect(faultOf(await other.guest.logs(workspace, all, neverAborted())).kind).toBe('missing')
  })
})
