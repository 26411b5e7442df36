import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { dockerProvider } from '../../../../src/provider/docker/docker-provider.ts'
import type { Provider } from '../../../../src/provider/provider.ts'
import type { WorkspaceSpec } from '../../../../src/workspace/spec.ts'
import { dockerClient } from '../../../engine/docker-client.ts'
import { type EngineProcess, canRunEngines, startEngine } from '../../../engine/engine-process.ts'
import { baseImage, ensureBaseImage } from '../../../engine/images.ts'
import { silentLog } from '../../../silent-log.ts'
import {
  faultOf,
  watchProvider,
  createdWorkspace,
  newWorkspaceRef,
  plainSpec,
  containerOf,
  containerStateOf,
  neverAborted,
  runningWorkspace,
  valueOf,
} from '../../contract/provider-fixture.ts'

describe.skipIf(!canRunEngines())('An engine that restarts', () => {
  let engine: EngineProcess
  let provider: Provider
  beforeAll(async () => {
    engine = await startEngine(['--init-path', '/nonexistent/docker-init'])
    await ensureBaseImage(dockerClient(engine.target))
    const timeouts = { heartbeatMs: 200, reconnectMs: 50, reconnectMaxMs: 100, pingMs: 500 }
    provider = dockerProvider({
      installation: randomUUID(),
      target: engine.target,
      log: silentLog,
      timeouts,
    })
  })
  afterAll(() => engine.close())
  const newWorkspace = (partial: Partial<WorkspaceSpec> = {}) =>
    newWorkspaceRef(plainSpec({ image: baseImage, init: false, ...partial }))

  it('cleanly counts as the cause of the exits of the containers that it stopped, and not of later exits', async () => {
    const workspace = await runningWorkspace(provider, newWorkspace())
    await engine.stop()
    expect(faultOf(await provider.ping(neverAborted())).kind).toBe('unavailable')
    expect(faultOf(await provider.boot(workspace, neverAborted())).kind).toBe('unavailable')
    await engine.start()
    expect(await containerOf(provider, workspace.id)).toMatchObject({
      state: { kind: 'exited', exit: { wentDownWithEngine: true } },
    })

    valueOf(await provider.boot(workspace, neverAborted()))
    const container = dockerClient(engine.target).getContainer(workspace.containerId)
    // An exit within the tolerance after the engine's start would count as caused by the engine.
    const started = Date.now()
    await expect.poll(() => Date.now() - started, { timeout: 5_000 }).toBeGreaterThan(2_000)
    const ended = container.wait({})
    await container.kill()
    await ended
    expect(await containerOf(provider, workspace.id)).toMatchObject({
      state: { kind: 'exited', exit: { wentDownWithEngine: false } },
    })
  })

  it("after a kill counts as the cause of its containers' exits, and is reported as disconnected, then connected", async () => {
    const workspace = await runningWorkspace(provider, newWorkspace())
    const watcher = watchProvider(provider)
    await watcher.waitFor(({ kind }) => kind === 'connected')
    await engine.kill()
    await watcher.waitFor(({ kind }) => kind === 'disconnected')
    await engine.start()
    await watcher.waitFor((notice) => notice.kind === 'connected' && notice !== watcher.notices[0])
    expect(await containerOf(provider, workspace.id)).toMatchObject({
      state: { kind: 'exited', exit: { wentDownWithEngine: true } },
    })
    watcher.close()
  })

  it('or hangs with its socket open is unavailable and reported as disconnected, and as connected when it resumes', async () => {
    const workspace = await createdWorkspace(provider, newWorkspace())
    const watcher = watchProvider(provider)
    await watcher.waitFor(({ kind }) => kind === 'connected')
    engine.pause()
    expect(await watcher.waitFor(({ kind }) => kind === 'disconnected')).toMatchObject({
      fault: { kind: 'unavailable' },
    })
    expect(faultOf(await provider.ping(neverAborted())).kind).toBe('unavailable')
    engine.unpause()
    await watcher.waitFor((notice) => notice.kind === 'connected' && notice !== watcher.notices[0])
    expect(await containerStateOf(provider, workspace.id)).toBe('created')
    watcher.close()
  })

  it('without an init process refuses a start that needs one permanently, and says what to install', async () => {
    const workspace = await createdWorkspace(provider, newWorkspace({ init: true }))
    const fault = faultOf(await provider.boot(workspace, neverAborted()))
    expect(fault.kind).toBe('permanent')
    expect(fault.message).toContain('"init": false')
  })
})
