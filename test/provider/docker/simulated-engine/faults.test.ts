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

// Short ones, so that an engine that never answers is given up within a test's patience.
const short: Partial<EngineTimeouts> = {
  pingMs: 100,
  readMs: 150,
  createMs: 150,
  stopMs: 150,
  removeMs: 400,
  pollMs: 20,
}
function provider(deadlines: Partial<EngineTimeouts> = {}): Provider {
  return dockerProvider({ installation, target: engine.target, log: silentLog, timeouts: deadlines })
}
const newWorkspace = (partial = {}) => newWorkspaceRef(plainSpec({ image, ...partial }))

describe('A played engine that does not do as it is told', () => {
  it('a create that was answered 500 and done all the same is adopted by the next try', async () => {
    const workspace = newWorkspace()
    engine.respondAfterwards('POST', /^\/containers\/create$/, () => errorResponse(500, 'context deadline exceeded'))
    expect(faultOf(await provider().container(workspace, neverAborted())).kind).toBe('transient')
    const [id] = engine.containersOf(workspace.id)
    expect(valueOf(await provider().container(workspace, neverAborted())).containerId).toBe(id)
    expect(engine.containersOf(workspace.id)).toEqual([id])
  })

  it('a name that a stranger has is said, with the container to remove, and the stranger is left alone', async () => {
    const workspace = newWorkspace()
    engine.respondWith('POST', /^\/containers\/create$/, () =>
      errorResponse(409, 'Conflict. The container name is already in use'),
    )
    engine.respondWith('GET', new RegExp(`^/containers/vm-api-${workspace.id}/json$`), () =>
      jsonResponse(200, { Id: 'f'.repeat(64), Config: { Labels: {} }, State: { Status: 'running' } }),
    )
    const fault = faultOf(await provider().container(workspace, neverAborted()))
    expect(fault.kind).toBe('permanent')
    expect(fault.message).toContain(`docker rm vm-api-${workspace.id}`)
    expect(engine.requests.filter((request) => request.startsWith('DELETE'))).toEqual([])
  })

  it('a name whose container cannot be looked at yet belongs to a create that is under way, and is adopted', async () => {
    const workspace = await createdWorkspace(provider(), newWorkspace())
    engine.respondWith(
      'GET',
      new RegExp(`^/containers/vm-api-${workspace.id}/json$`),
      () => errorResponse(404, 'No such container'),
      3,
    )
    expect(valueOf(await provider().container(workspace, neverAborted())).containerId).toBe(workspace.containerId)
  })

  it('a name whose container has just been removed may be asked for again', async () => {
    engine.respondWith('POST', /^\/containers\/create$/, () =>
      errorResponse(409, 'Conflict. The container name is already in use'),
    )
    expect(faultOf(await provider().container(newWorkspace(), neverAborted())).kind).toBe('transient')
  })

  it('an image that vanished before the create is named', async () => {
    const fault = faultOf(await provider().container(newWorkspace({ image: 'acme/gone:1' }), neverAborted()))
    expect(fault.kind).toBe('permanent')
    expect(fault.message).toContain('acme/gone:1')
  })

  it('a removal that somebody else has begun is waited for', async () => {
    const workspace = await createdWorkspace(provider(), newWorkspace())
    engine.respondWith(
      'DELETE',
      /^\/containers\//,
      () => errorResponse(409, 'removal of container is already in progress'),
      2,
    )
    valueOf(await provider({ pollMs: 10 }).remove(workspace.id, workspace.containerId, neverAborted()))
    expect(engine.containersOf(workspace.id)).toEqual([])
  })

  it('a removal that never comes to its end is a fault within its deadline, not success', async () => {
    const workspace = await createdWorkspace(provider(), newWorkspace())
    engine.respondWith(
      'DELETE',
      /^\/containers\//,
      () => errorResponse(409, 'removal of container is already in progress'),
      1e6,
    )
    expect(faultOf(await provider(short).remove(workspace.id, workspace.containerId, neverAborted())).kind).toBe(
      'transient',
    )
  })

  it('a removal during a create waits for the create, so that nothing is left behind', async () => {
    const workspace = newWorkspace()
    const one = provider()
    valueOf(await one.list(neverAborted()))
    let release = (): void => {}
    const held = new Promise<void>((resolve) => (release = resolve))
    const arrived = new Promise<void>((resolve) => {
      engine.respondWith('GET', /^\/info$/, async () => {
        resolve()
        await held
        return jsonResponse(200, { NCPU: 4, MemTotal: 8e9 })
      })
    })
    const creating = one.container(workspace, neverAborted())
    await arrived
    const removing = one.remove(workspace.id, null, neverAborted())
    release()
    valueOf(await creating)
    valueOf(await removing)
    expect(engine.containersOf(workspace.id)).toEqual([])
  })

  it('an inventory that is cut short is a fault, never a short list', async () => {
    await createdWorkspace(provider(), newWorkspace())
    const failing = [
      () => new Response('[{"Id":"abc","State":"running","Lab'),
      () => jsonResponse(200, {}),
      () => jsonResponse(200, [{ Id: 'abc', State: 'running' }]),
      () => jsonResponse(200, [null]),
      () => errorResponse(500, 'database is locked'),
    ]
    for (const respond of failing) {
      engine.respondWith('GET', /^\/containers\/json$/, respond)
      expect(faultOf(await provider().list(neverAborted())).kind).toBe('transient')
    }
  })

  it('an inventory is a fault if one of its containers cannot be looked at', async () => {
    const one = await runningWorkspace(provider(), newWorkspace())
    await runningWorkspace(provider(), newWorkspace())
    engine.exitContainer(one.containerId, 1)
    engine.respondWith('GET', new RegExp(`^/containers/${one.containerId}/json$`), () => errorResponse(500, 'locked'))
    expect(faultOf(await provider().list(neverAborted())).kind).toBe('transient')
  })

  it('what is not ours is not in the inventory, even if whoever is in between passes over the filter', async () => {
    engine.respondWith('GET', /^\/containers\/json$/, () =>
      jsonResponse(200, [
        {
          Id: 'abc',
          State: 'running',
          Labels: { 'vm-api.installation': 'another', 'vm-api.workspace': newWorkspaceId() },
        },
      ]),
    )
    expect(valueOf(await provider().list(neverAborted()))).toEqual([])
  })

  it('an engine that answers nothing at all is away within the deadlines, in every verb', async () => {
    const workspace = { ...newWorkspace(), containerId: 'f'.repeat(64) }
    for (const method of ['GET', 'POST', 'DELETE']) engine.respondWith(method, /./, noResponse, 1e6)
    const one = provider(short)
    const startedAt = performance.now()
    const results: Outcome<unknown>[] = await Promise.all([
      one.image(workspace, neverAborted(), () => {}),
      one.container(workspace, neverAborted()),
      one.boot(workspace, neverAborted()),
      one.stop(workspace, neverAborted()),
      one.remove(workspace.id, workspace.containerId, neverAborted()),
      one.inspect(workspace.id, neverAborted()),
      one.list(neverAborted()),
      one.ping(neverAborted()),
    ])
    expect(results.map((result) => faultOf(result).kind)).toEqual(results.map(() => 'unavailable'))
    expect(performance.now() - startedAt).toBeLessThan(2_000)
  })

  it('an engine that hangs on one request only has spent a try', async () => {
    engine.respondWith('GET', /^\/containers\/json$/, noResponse)
    expect(faultOf(await provider(short).list(neverAborted())).kind).toBe('transient')
  })
})
