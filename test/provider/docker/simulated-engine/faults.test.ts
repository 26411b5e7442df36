import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { EngineTimeouts } from '../../../../src/provider/docker/engine/engine-timeouts.ts'
import { dockerProvider } from '../../../../src/provider/docker/docker-provider.ts'
import type { Provider } from '../../../../src/provider/provider.ts'
import type { Outcome } from '../../../../src/workspace/fault.ts'
import { newWorkspaceId } from '../../../../src/workspace/id.ts'
import { silentLog } from '../../../silent-log.ts'
import {
  faultOf,
  createdWorkspace,
  newWorkspaceRef,
  plainSpec,
  neverAborted,
  runningWorkspace,
  valueOf,
} from '../../contract/provider-fixture.ts'
import { jsonResponse, type SimulatedEngine, simulatedEngine, errorResponse, noResponse } from './simulated-engine.ts'

const image = 'vm-test/base:latest'
const installation = randomUUID()
let engine: SimulatedEngine

beforeEach(() => {
  engine = simulatedEngine(image)
  engine.server.listen()
})
afterEach(() => engine.server.close())

// Short, so that a test of an engine that never answers is fast.
const shortTimeouts: Partial<EngineTimeouts> = {
  pingMs: 100,
  readMs: 150,
  createMs: 150,
  stopMs: 150,
  removeMs: 400,
  pollMs: 20,
}
function newProvider(timeouts: Partial<EngineTimeouts> = {}): Provider {
  return dockerProvider({ installation, target: engine.target, log: silentLog, timeouts })
}
const newWorkspace = (partial = {}) => newWorkspaceRef(plainSpec({ image, ...partial }))

describe('A simulated engine that misbehaves', () => {
  it('a create that the engine performed but answered with 500 is adopted by the next attempt', async () => {
    const workspace = newWorkspace()
    engine.respondAfterwards('POST', /^\/containers\/create$/, () => errorResponse(500, 'context deadline exceeded'))
    expect(faultOf(await newProvider().container(workspace, neverAborted())).kind).toBe('transient')
    const [id] = engine.containersOf(workspace.id)
    expect(valueOf(await newProvider().container(workspace, neverAborted())).containerId).toBe(id)
    expect(engine.containersOf(workspace.id)).toEqual([id])
  })

  it("a foreign container with the workspace's name is named in the fault and left alone", async () => {
    const workspace = newWorkspace()
    engine.respondWith('POST', /^\/containers\/create$/, () =>
      errorResponse(409, 'Conflict. The container name is already in use'),
    )
    engine.respondWith('GET', new RegExp(`^/containers/vm-api-${workspace.id}/json$`), () =>
      jsonResponse(200, { Id: 'f'.repeat(64), Config: { Labels: {} }, State: { Status: 'running' } }),
    )
    const fault = faultOf(await newProvider().container(workspace, neverAborted()))
    expect(fault.kind).toBe('permanent')
    expect(fault.message).toContain(`docker rm vm-api-${workspace.id}`)
    expect(engine.requests.filter((request) => request.startsWith('DELETE'))).toEqual([])
  })

  it('a name conflict with a container that cannot be inspected yet is waited for, and the container adopted', async () => {
    const workspace = await createdWorkspace(newProvider(), newWorkspace())
    engine.respondWith(
      'GET',
      new RegExp(`^/containers/vm-api-${workspace.id}/json$`),
      () => errorResponse(404, 'No such container'),
      3,
    )
    expect(valueOf(await newProvider().container(workspace, neverAborted())).containerId).toBe(workspace.containerId)
  })

  it('a name conflict with a container that has just been removed is a transient fault', async () => {
    engine.respondWith('POST', /^\/containers\/create$/, () =>
      errorResponse(409, 'Conflict. The container name is already in use'),
    )
    expect(faultOf(await newProvider().container(newWorkspace(), neverAborted())).kind).toBe('transient')
  })

  it('an image that was removed before the create is named in the fault', async () => {
    const fault = faultOf(await newProvider().container(newWorkspace({ image: 'acme/gone:1' }), neverAborted()))
    expect(fault.kind).toBe('permanent')
    expect(fault.message).toContain('acme/gone:1')
  })

  it('a removal in progress is waited for', async () => {
    const workspace = await createdWorkspace(newProvider(), newWorkspace())
    engine.respondWith(
      'DELETE',
      /^\/containers\//,
      () => errorResponse(409, 'removal of container is already in progress'),
      2,
    )
    valueOf(await newProvider({ pollMs: 10 }).remove(workspace.id, workspace.containerId, neverAborted()))
    expect(engine.containersOf(workspace.id)).toEqual([])
  })

  it('a removal that never finishes is a fault within its timeout, not success', async () => {
    const workspace = await createdWorkspace(newProvider(), newWorkspace())
    engine.respondWith(
      'DELETE',
      /^\/containers\//,
      () => errorResponse(409, 'removal of container is already in progress'),
      1e6,
    )
    expect(
      faultOf(await newProvider(shortTimeouts).remove(workspace.id, workspace.containerId, neverAborted())).kind,
    ).toBe('transient')
  })

  it('a removal also covers the known container if the list does not show it', async () => {
    const workspace = await createdWorkspace(newProvider(), newWorkspace())
    engine.respondWith('GET', /^\/containers\/json$/, () => jsonResponse(200, []), 1e6)
    valueOf(await newProvider().remove(workspace.id, workspace.containerId, neverAborted()))
    expect(engine.containersOf(workspace.id)).toEqual([])
  })

  it('a removal during a create waits for the create and leaves no container behind', async () => {
    const workspace = newWorkspace()
    const provider = newProvider()
    valueOf(await provider.list(neverAborted()))
    let release = (): void => {}
    const held = new Promise<void>((resolve) => (release = resolve))
    const arrived = new Promise<void>((resolve) => {
      engine.respondWith('GET', /^\/info$/, async () => {
        resolve()
        await held
        return jsonResponse(200, { NCPU: 4, MemTotal: 8e9 })
      })
    })
    const creating = provider.container(workspace, neverAborted())
    await arrived
    const removing = provider.remove(workspace.id, null, neverAborted())
    release()
    valueOf(await creating)
    valueOf(await removing)
    expect(engine.containersOf(workspace.id)).toEqual([])
  })

  it('a truncated container list is a fault, never a short list', async () => {
    await createdWorkspace(newProvider(), newWorkspace())
    const malformed = [
      () => new Response('[{"Id":"abc","State":"running","Lab'),
      () => jsonResponse(200, {}),
      () => jsonResponse(200, [{ Id: 'abc', State: 'running' }]),
      () => jsonResponse(200, [null]),
      () => errorResponse(500, 'database is locked'),
    ]
    for (const respond of malformed) {
      engine.respondWith('GET', /^\/containers\/json$/, respond)
      expect(faultOf(await newProvider().list(neverAborted())).kind).toBe('transient')
    }
  })

  it('a container list is a fault if one of its containers cannot be inspected', async () => {
    const exited = await runningWorkspace(newProvider(), newWorkspace())
    await runningWorkspace(newProvider(), newWorkspace())
    engine.exitContainer(exited.containerId, 1)
    engine.respondWith('GET', new RegExp(`^/containers/${exited.containerId}/json$`), () =>
      errorResponse(500, 'locked'),
    )
    expect(faultOf(await newProvider().list(neverAborted())).kind).toBe('transient')
  })

  it('a listed container has the owner, name and template of its labels', async () => {
    const { owner, name, template } = await createdWorkspace(newProvider(), newWorkspace())
    const [container] = valueOf(await newProvider().list(neverAborted()))
    expect(container?.labels).toEqual({ owner, name, template })
  })

  it('a foreign container is not listed even if a proxy ignores the label filter', async () => {
    engine.respondWith('GET', /^\/containers\/json$/, () =>
      jsonResponse(200, [
        {
          Id: 'abc',
          State: 'running',
          Labels: { 'vm-api.installation': 'another', 'vm-api.workspace': newWorkspaceId() },
        },
      ]),
    )
    expect(valueOf(await newProvider().list(neverAborted()))).toEqual([])
  })

  it('an engine that answers nothing is unavailable to every verb, within its timeouts', async () => {
    const workspace = { ...newWorkspace(), containerId: 'f'.repeat(64) }
    for (const method of ['GET', 'POST', 'DELETE']) engine.respondWith(method, /./, noResponse, 1e6)
    const provider = newProvider(shortTimeouts)
    const startedAt = performance.now()
    const results: Outcome<unknown>[] = await Promise.all([
      provider.image(workspace, neverAborted(), () => {}),
      provider.container(workspace, neverAborted()),
      provider.boot(workspace, neverAborted()),
      provider.stop(workspace, neverAborted()),
      provider.remove(workspace.id, workspace.containerId, neverAborted()),
      provider.inspect(workspace.id, neverAborted()),
      provider.list(neverAborted()),
      provider.ping(neverAborted()),
    ])
    expect(results.map((result) => faultOf(result).kind)).toEqual(results.map(() => 'unavailable'))
    expect(performance.now() - startedAt).toBeLessThan(2_000)
  })

  it('an engine that hangs on a single request is a transient fault', async () => {
    engine.respondWith('GET', /^\/containers\/json$/, noResponse)
    expect(faultOf(await newProvider(shortTimeouts).list(neverAborted())).kind).toBe('transient')
  })
})
