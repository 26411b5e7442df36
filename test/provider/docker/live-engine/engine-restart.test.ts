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

describe.skipIf(!canRunEngines())('An engine that is restarted', () => {
  let engine: EngineProcess
  let provider: Provider
  beforeAll(async () => {
    engine = await startEngine(['--init-path', '/nonexistent/docker-init'])
    await ensureBaseImage(dockerClient(engine.target))
    const deadlines = { heartbeatMs: 200, reconnectMs: 50, reconnectMaxMs: 100, pingMs: 500 }
    provider = dockerProvider({
      installation: randomUUID(),
      target: engine.target,
      log: silentLog,
      timeouts: deadlines,
    })
  })
  afterAll(() => engine.close())
  const newWorkspace = (partial: Partial<WorkspaceSpec> = {}) =>
    newWorkspaceRef(plainSpec({ image: baseImage, init: false, ...partial }))

  it('in order: what it stopped went down with it, what ends later does not', async () => {
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
    // An end within the slack after the engine's start would count as the engine's.
    const started = Date.now()
    await expect.poll(() => Date.now() - started, { timeout: 5_000 }).toBeGreaterThan(2_000)
    const ended = container.wait({})
    await container.kill()
    await ended
    expect(await containerOf(provider, workspace.id)).toMatchObject({
      state: { kind: 'exited', exit: { wentDownWithEngine: false } },
    })
  })

  it('after a kill: its containers went down with it, and whoever watches is told lost and connected', async () => {
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

  it('or hangs with its socket open is away to every request, told as lost, and connected when it goes on', async () => {
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

  it('and has no init process refuses a start that wants one for good, and says what to install', async () => {
    const workspace = await createdWorkspace(provider, newWorkspace({ init: true }))
    const fault = faultOf(await provider.boot(workspace, neverAborted()))
    expect(fault.kind).toBe('permanent')
    expect(fault.message).toContain('"init": false')
  })
})
