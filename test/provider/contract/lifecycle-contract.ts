import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ProviderFixture } from './provider-fixture.ts'
import {
  connectionOf,
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

/** The verbs from image to remove, each of which may be repeated (law 3). */
export function lifecycleContract(createFixture: () => Promise<ProviderFixture>): void {
  let fixture: ProviderFixture
  beforeEach(async () => {
    fixture = await createFixture()
  })
  afterEach(() => fixture.close())

  describe('creating a container', () => {
    it('an image that is requested repeatedly and concurrently has one id', async () => {
      const workspace = newWorkspaceRef(fixture.newSpec())
      const requestImage = () => fixture.provider.image(workspace, neverAborted(), () => undefined)
      const first = valueOf(await requestImage())
      expect(first.imageId).not.toBe('')
      const rest = await Promise.all([requestImage(), requestImage()])
      expect(rest.map(valueOf)).toEqual([first, first])
    })

    it('a new container is created, not running', async () => {
      const workspace = await createdWorkspace(fixture.provider, newWorkspaceRef(fixture.newSpec()))
      expect(await containerOf(fixture.provider, workspace.id)).toMatchObject({
        workspaceId: workspace.id,
        containerId: workspace.containerId,
        state: { kind: 'created' },
      })
    })

    it('a second create returns the existing container', async () => {
      const workspace = await createdWorkspace(fixture.provider, newWorkspaceRef(fixture.newSpec()))
      const withoutContainerId = { ...workspace, containerId: null }
      const second = valueOf(await fixture.provider.container(withoutContainerId, neverAborted()))
      expect(second.containerId).toBe(workspace.containerId)
      expect(await containerStateOf(fixture.provider, workspace.id)).toBe('created')
    })

    it('concurrent creates return the same container', async () => {
      const newWorkspace = newWorkspaceRef(fixture.newSpec())
      const { imageId } = valueOf(await fixture.provider.image(newWorkspace, neverAborted(), () => undefined))
      const workspace = { ...newWorkspace, imageId }
      const providers = [fixture.provider, fixture.provider, fixture.restarted(), fixture.restarted()]
      const results = await Promise.all(providers.map((provider) => provider.container(workspace, neverAborted())))
      expect(new Set(results.map((result) => valueOf(result).containerId)).size).toBe(1)
      expect(await containerStateOf(fixture.provider, workspace.id)).toBe('created')
    })

    it('a restarted service adopts the running container of its predecessor and leaves it running', async () => {
      const workspace = await runningWorkspace(fixture.provider, newWorkspaceRef(fixture.newSpec()))
      const successor = fixture.restarted()
      const before = await connectionOf(fixture.provider, workspace.id)
      const { containerId } = valueOf(await successor.container({ ...workspace, containerId: null }, neverAborted()))
      expect(containerId).toBe(workspace.containerId)
      expect(await connectionOf(successor, workspace.id)).toEqual(before)
    })

    it('a container that was removed by hand is created anew', async () => {
      const workspace = await createdWorkspace(fixture.provider, newWorkspaceRef(fixture.newSpec()))
      await fixture.removeByHand(workspace.containerId)
      expect(await containerStateOf(fixture.provider, workspace.id)).toBe('none')
      const { containerId } = valueOf(
        await fixture.provider.container({ ...workspace, containerId: null }, neverAborted()),
      )
      expect((await containerOf(fixture.provider, workspace.id))?.containerId).toBe(containerId)
    })
  })

  describe('booting', () => {
    it('a booted container runs with the connection that boot returned', async () => {
      const workspace = await createdWorkspace(fixture.provider, newWorkspaceRef(fixture.newSpec()))
      const { connection } = valueOf(await fixture.provider.boot(workspace, neverAborted()))
      expect(await connectionOf(fixture.provider, workspace.id)).toEqual(connection)
    })

    it('a boot that is repeated, in sequence and concurrently, changes nothing', async () => {
      const workspace = await createdWorkspace(fixture.provider, newWorkspaceRef(fixture.newSpec()))
      const boot = (provider = fixture.provider) => provider.boot(workspace, neverAborted())
      const results = [
        ...(await Promise.all([boot(), boot(), boot(fixture.restarted())])),
        await boot(fixture.restarted()),
      ]
      const connection = await connectionOf(fixture.provider, workspace.id)
      expect(results.map((result) => valueOf(result).connection)).toEqual(results.map(() => connection))
    })

    it('a boot of a removed container reports that it is missing', async () => {
      const workspace = await createdWorkspace(fixture.provider, newWorkspaceRef(fixture.newSpec()))
      await fixture.removeByHand(workspace.containerId)
      expect(faultOf(await fixture.provider.boot(workspace, neverAborted())).kind).toBe('missing')
    })

    it('a setup in a removed container reports that it is missing', async () => {
      const spec = fixture.newSpec({ postStart: [{ name: 'postStartCommand', run: 'true' }] })
      const workspace = await runningWorkspace(fixture.provider, newWorkspaceRef(spec))
      await fixture.removeByHand(workspace.containerId)
      expect(faultOf(await runSetup(fixture.provider, workspace)).kind).toBe('missing')
    })

    it('a stopped container boots again as the same container', async () => {
      const workspace = await runningWorkspace(fixture.provider, newWorkspaceRef(fixture.newSpec()))
      valueOf(await fixture.provider.stop(workspace, neverAborted()))
      valueOf(await fixture.provider.boot(workspace, neverAborted()))
      expect(await containerOf(fixture.provider, workspace.id)).toMatchObject({
        containerId: workspace.containerId,
        state: { kind: 'running' },
      })
    })

    it('a container that was killed boots again', async () => {
      const workspace = await runningWorkspace(fixture.provider, newWorkspaceRef(fixture.newSpec()))
      await fixture.kill(workspace.containerId)
      valueOf(await fixture.provider.boot(workspace, neverAborted()))
      expect(await containerStateOf(fixture.provider, workspace.id)).toBe('running')
    })
  })

  describe('stopping and removing', () => {
    it('a stopped container has exited by itself, not with its engine', async () => {
      const workspace = await runningWorkspace(fixture.provider, newWorkspaceRef(fixture.newSpec()))
      valueOf(await fixture.provider.stop(workspace, neverAborted()))
      expect(await containerOf(fixture.provider, workspace.id)).toMatchObject({
        state: { kind: 'exited', exit: { outOfMemory: false, wentDownWithEngine: false } },
      })
    })

    it('a stop that is repeated, in sequence and concurrently, succeeds', async () => {
      const workspace = await runningWorkspace(fixture.provider, newWorkspaceRef(fixture.newSpec()))
      const stop = (provider = fixture.provider) => provider.stop(workspace, neverAborted())
      for (const result of await Promise.all([stop(), stop(), stop(fixture.restarted())])) valueOf(result)
      valueOf(await stop())
      expect(await containerStateOf(fixture.provider, workspace.id)).toBe('exited')
    })

    it('a stop of a container that never started, or does not exist, succeeds', async () => {
      valueOf(await fixture.provider.stop(newWorkspaceRef(fixture.newSpec()), neverAborted()))
      const workspace = await createdWorkspace(fixture.provider, newWorkspaceRef(fixture.newSpec()))
      valueOf(await fixture.provider.stop(workspace, neverAborted()))
      await fixture.removeByHand(workspace.containerId)
      valueOf(await fixture.provider.stop(workspace, neverAborted()))
    })

    it('a removed container is not listed, whether it was created, running or exited', async () => {
      const one = await createdWorkspace(fixture.provider, newWorkspaceRef(fixture.newSpec()))
      const two = await runningWorkspace(fixture.provider, newWorkspaceRef(fixture.newSpec()))
      const three = await runningWorkspace(fixture.provider, newWorkspaceRef(fixture.newSpec()))
      valueOf(await fixture.provider.stop(three, neverAborted()))
      for (const { id, containerId } of [one, two, three]) {
        valueOf(await fixture.provider.remove(id, containerId, neverAborted()))
        expect(await containerStateOf(fixture.provider, id)).toBe('none')
      }
    })

    it('a remove without a container id finds the container by its workspace', async () => {
      const workspace = await runningWorkspace(fixture.provider, newWorkspaceRef(fixture.newSpec()))
      valueOf(await fixture.restarted().remove(workspace.id, null, neverAborted()))
      expect(await containerStateOf(fixture.provider, workspace.id)).toBe('none')
    })

    it('a remove that is repeated, in sequence and concurrently, succeeds', async () => {
      const { id, containerId } = await runningWorkspace(fixture.provider, newWorkspaceRef(fixture.newSpec()))
      const remove = (provider = fixture.provider) => provider.remove(id, containerId, neverAborted())
      for (const result of await Promise.all([remove(), remove(), remove(fixture.restarted())])) valueOf(result)
      valueOf(await remove())
      expect(await containerStateOf(fixture.provider, id)).toBe('none')
    })

    it('a remove of a container that does not exist succeeds', async () => {
      valueOf(await fixture.provider.remove(newWorkspaceRef(fixture.newSpec()).id, null, neverAborted()))
      const workspace = await runningWorkspace(fixture.provider, newWorkspaceRef(fixture.newSpec()))
      await fixture.removeByHand(workspace.containerId)
      valueOf(await fixture.provider.remove(workspace.id, workspace.containerId, neverAborted()))
    })

    it('a remove does not affect other workspaces', async () => {
      const removed = await runningWorkspace(fixture.provider, newWorkspaceRef(fixture.newSpec()))
      const bystander = await runningWorkspace(fixture.provider, newWorkspaceRef(fixture.newSpec()))
      const before = await containerOf(fixture.provider, bystander.id)
      valueOf(await fixture.provider.remove(removed.id, removed.containerId, neverAborted()))
      expect(await containerOf(fixture.provider, bystander.id)).toEqual(before)
    })
  })

  describe('inspecting', () => {
    it('a list has every container with its state', async () => {
      const one = await createdWorkspace(fixture.provider, newWorkspaceRef(fixture.newSpec()))
      const two = await runningWorkspace(fixture.provider, newWorkspaceRef(fixture.newSpec()))
      const three = await runningWorkspace(fixture.provider, newWorkspaceRef(fixture.newSpec()))
      valueOf(await fixture.provider.stop(three, neverAborted()))
      const listed = valueOf(await fixture.restarted().list(neverAborted()))
      const kinds = new Map(listed.map((found) => [found.workspaceId, found.state.kind]))
      const expected = new Map([
        [one.id, 'created'],
        [two.id, 'running'],
        [three.id, 'exited'],
      ])
      expect(kinds).toEqual(expected)
    })

    it('a container that was killed from outside has exited by itself, with code 137 or none', async () => {
      const workspace = await runningWorkspace(fixture.provider, newWorkspaceRef(fixture.newSpec()))
      await fixture.kill(workspace.containerId)
      const found = await containerOf(fixture.provider, workspace.id)
      if (found?.state.kind !== 'exited') expect.fail(`exited was expected, not ${JSON.stringify(found)}`)
      expect([137, null]).toContain(found.state.exit.code)
      expect(found.state.exit).toMatchObject({ outOfMemory: false, wentDownWithEngine: false })
    })

    it('a workspace without a container is not found', async () => {
      expect(await containerStateOf(fixture.provider, newWorkspaceRef(fixture.newSpec()).id)).toBe('none')
    })

    it('a ping of a running engine succeeds', async () => {
      valueOf(await fixture.provider.ping(neverAborted()))
    })
  })
}
