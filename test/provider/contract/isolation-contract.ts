import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Provider } from '../../../src/provider/provider.ts'
import type { Outcome } from '../../../src/workspace/fault.ts'
import type { WorkspaceRef } from '../../../src/workspace/workspace-ref.ts'
import type { ProviderFixture } from './provider-fixture.ts'
import {
  faultOf,
  createdWorkspace,
  newWorkspaceRef,
  containerOf,
  runSetup,
  containerStateOf,
  neverAborted,
  runningWorkspace,
  valueOf,
} from './provider-fixture.ts'

type ProviderCall = (provider: Provider, workspace: WorkspaceRef, signal: AbortSignal) => Promise<Outcome<unknown>>

const calls: Readonly<Record<string, ProviderCall>> = {
  image: (provider, workspace, signal) => provider.image(workspace, signal, () => undefined),
  container: (provider, workspace, signal) => provider.container(workspace, signal),
  boot: (provider, workspace, signal) => provider.boot(workspace, signal),
  setup: (provider, workspace, signal) => provider.setup(workspace, signal, () => undefined),
  stop: (provider, workspace, signal) => provider.stop(workspace, signal),
  remove: (provider, workspace, signal) => provider.remove(workspace.id, workspace.containerId, signal),
  inspect: (provider, workspace, signal) => provider.inspect(workspace.id, signal),
  list: (provider, _workspace, signal) => provider.list(signal),
  ping: (provider, _workspace, signal) => provider.ping(signal),
}

/** Other installations are not touched (law 8), names are only data, and aborted requests settle. */
export function isolationContract(createFixture: () => Promise<ProviderFixture>, realShell: boolean): void {
  let fixture: ProviderFixture
  beforeEach(async () => {
    fixture = await createFixture()
  })
  afterEach(() => fixture.close())

  describe('with another installation on the same engine', () => {
    it('lists none of its containers, nor does it list ours', async () => {
      const ours = await runningWorkspace(fixture.provider, newWorkspaceRef(fixture.newSpec()))
      const otherProvider = fixture.otherInstallation()
      const theirs = await createdWorkspace(otherProvider, newWorkspaceRef(fixture.newSpec()))
      expect(await containerStateOf(otherProvider, ours.id)).toBe('none')
      expect(await containerStateOf(fixture.provider, theirs.id)).toBe('none')
      valueOf(await otherProvider.remove(theirs.id, theirs.containerId, neverAborted()))
    })

    it('does not remove a container of ours by id', async () => {
      const ours = await runningWorkspace(fixture.provider, newWorkspaceRef(fixture.newSpec()))
      const before = await containerOf(fixture.provider, ours.id)
      const otherProvider = fixture.otherInstallation()
      await otherProvider.remove(ours.id, ours.containerId, neverAborted())
      await otherProvider.remove(newWorkspaceRef(fixture.newSpec()).id, ours.containerId, neverAborted())
      expect(await containerOf(fixture.provider, ours.id)).toEqual(before)
    })

    it('does not stop a container of ours', async () => {
      const ours = await runningWorkspace(fixture.provider, newWorkspaceRef(fixture.newSpec()))
      const before = await containerOf(fixture.provider, ours.id)
      await fixture.otherInstallation().stop(ours, neverAborted())
      expect(await containerOf(fixture.provider, ours.id)).toEqual(before)
    })

    it('does not boot a container of ours', async () => {
      const ours = await createdWorkspace(fixture.provider, newWorkspaceRef(fixture.newSpec()))
      expect(faultOf(await fixture.otherInstallation().boot(ours, neverAborted())).kind).toBe('missing')
      expect(await containerStateOf(fixture.provider, ours.id)).toBe('created')
    })
  })

  describe('given hostile names', () => {
    const hostileNames = [
      'x; touch pwned',
      '$(touch pwned)',
      '`touch pwned`',
      '../../../pwned',
      'a\nb: c\r\n"d"',
      "o'clock\\",
      '-rf',
      'ünï 🦊',
    ]

    it.each(hostileNames)('a workspace called %j is created, booted and removed like any other', async (name) => {
      const workspace = await runningWorkspace(
        fixture.provider,
        newWorkspaceRef(fixture.newSpec(), { name, owner: name }),
      )
      valueOf(await runSetup(fixture.provider, workspace))
      expect(await containerStateOf(fixture.provider, workspace.id)).toBe('running')
      valueOf(await fixture.provider.remove(workspace.id, workspace.containerId, neverAborted()))
      expect(await containerStateOf(fixture.provider, workspace.id)).toBe('none')
    })
  })

  describe('when the request is aborted', () => {
    it('every verb settles soon if its signal is already aborted, without a throw', async () => {
      const workspace = await runningWorkspace(fixture.provider, newWorkspaceRef(fixture.newSpec()))
      for (const [name, call] of Object.entries(calls)) {
        const startedAt = performance.now()
        await call(fixture.provider, workspace, AbortSignal.abort())
        expect(performance.now() - startedAt, name).toBeLessThan(3_000)
      }
    })

    it.runIf(realShell)('a running setup settles soon', async () => {
      const spec = fixture.newSpec({ postStart: [{ name: 'postStartCommand', run: 'echo begun; sleep 300' }] })
      const workspace = await runningWorkspace(fixture.provider, newWorkspaceRef(spec))
      const signal = AbortSignal.timeout(500)
      const startedAt = performance.now()
      expect((await fixture.provider.setup(workspace, signal, () => undefined)).ok).toBe(false)
      expect(performance.now() - startedAt).toBeLessThan(5_000)
    })
  })
}
