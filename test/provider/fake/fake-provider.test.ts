import { describe, expect, it } from 'vitest'
import {
  faultOf,
  watchProvider,
  newWorkspaceRef,
  plainSpec,
  containerStateOf,
  neverAborted,
  runningWorkspace,
  valueOf,
} from '../contract/provider-fixture.ts'
import { providerContract } from '../contract/provider-contract.ts'
import { fakeEngine } from './fake-provider.ts'

providerContract(
  'fake',
  async () => {
    const engine = fakeEngine()
    return {
      provider: engine.provider(),
      newSpec: plainSpec,
      kill: async (containerId) => engine.exitContainer(containerId),
      removeByHand: async (containerId) => engine.removeByHand(containerId),
      restarted: () => engine.provider(),
      otherInstallation: () => engine.provider('elsewhere'),
      close: async () => undefined,
    }
  },
  { realShell: false },
)

describe('The fake engine', () => {
  it('does the work and still returns a fault, once', async () => {
    const engine = fakeEngine()
    const workspace = newWorkspaceRef(plainSpec())
    engine.failNext('container', { kind: 'transient', message: 'answered 500' }, { worked: true })
    expect(faultOf(await engine.provider().container(workspace, neverAborted())).message).toBe('answered 500')
    expect(engine.containers.size).toBe(1)
    valueOf(await engine.provider().container(workspace, neverAborted()))
    expect(engine.containers.size).toBe(1)
  })

  it('returns the queued faults in order, without doing the work', async () => {
    const engine = fakeEngine()
    const workspace = newWorkspaceRef(plainSpec())
    engine.failNext('container', { kind: 'transient', message: 'one' })
    engine.failNext('container', { kind: 'permanent', message: 'two' })
    const ask = () => engine.provider().container(workspace, neverAborted())
    expect([faultOf(await ask()).message, faultOf(await ask()).message]).toEqual(['one', 'two'])
    expect(engine.containers.size).toBe(0)
    valueOf(await ask())
  })

  it('returns unavailable while disconnected, and reports disconnected once and connected once', async () => {
    const engine = fakeEngine()
    const workspace = await runningWorkspace(engine.provider(), newWorkspaceRef(plainSpec()))
    const watcher = watchProvider(engine.provider())
    await watcher.waitFor((notice) => notice.kind === 'connected')
    engine.disconnect()
    engine.disconnect()
    engine.exitContainer(workspace.containerId, { wentDownWithEngine: true })
    expect(faultOf(await engine.provider().list(neverAborted())).kind).toBe('unavailable')
    expect(faultOf(await engine.provider().stop(workspace, neverAborted())).kind).toBe('unavailable')
    engine.reconnect()
    expect(watcher.notices.map((notice) => notice.kind)).toEqual(['connected', 'disconnected', 'connected'])
    expect(await containerStateOf(engine.provider(), workspace.id)).toBe('exited')
  })

  it('holds a request as long as its hook does, and releases it when it is aborted', async () => {
    const engine = fakeEngine()
    const removeHook = engine.before('boot', () => new Promise(() => undefined))
    const abort = new AbortController()
    const pendingCall = engine.provider().boot(newWorkspaceRef(plainSpec()), abort.signal)
    abort.abort()
    expect(faultOf(await pendingCall).kind).toBe('transient')
    removeHook()
    expect(faultOf(await engine.provider().boot(newWorkspaceRef(plainSpec()), neverAborted())).kind).toBe('missing')
  })

  it('records its calls', async () => {
    const engine = fakeEngine()
    const workspace = await runningWorkspace(engine.provider(), newWorkspaceRef(plainSpec()))
    expect(engine.calls).toEqual(['image', 'container', 'boot'].map((verb) => ({ verb, workspaceId: workspace.id })))
  })

  it('lists a container that was placed by hand', async () => {
    const engine = fakeEngine()
    const { id } = newWorkspaceRef(plainSpec())
    engine.placeContainer(id, { kind: 'exited', exit: { code: 137, outOfMemory: true, wentDownWithEngine: false } })
    expect(await containerStateOf(engine.provider(), id)).toBe('exited')
    expect(await containerStateOf(engine.provider('elsewhere'), id)).toBe('none')
  })
})
