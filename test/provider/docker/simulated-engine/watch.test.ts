import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { dockerProvider } from '../../../../src/provider/docker/docker-provider.ts'
import type { Provider } from '../../../../src/provider/provider.ts'
import { silentLog } from '../../../silent-log.ts'
import { watchProvider, newWorkspaceRef, plainSpec, runningWorkspace } from '../../contract/provider-fixture.ts'
import { type SimulatedEngine, simulatedEngine, errorResponse, noResponse } from './simulated-engine.ts'

const image = 'vm-test/base:latest'
const installation = randomUUID()
let engine: SimulatedEngine

beforeEach(() => {
  engine = simulatedEngine(image)
  engine.server.listen()
})
afterEach(() => engine.server.close())

// Short ones, so that a test need not wait for what takes seconds in service.
const shortDeadlines = { heartbeatMs: 30, reconnectMs: 10, reconnectMaxMs: 20, pingMs: 500, readMs: 2_000 }
const provider = (): Provider =>
  dockerProvider({ installation, target: engine.target, log: silentLog, timeouts: shortDeadlines })
const newWorkspace = () => newWorkspaceRef(plainSpec({ image }))

describe('Watching a played engine', () => {
  it('a stream that is cut is told as lost once, then connected again, and events go on', async () => {
    const workspace = await runningWorkspace(provider(), newWorkspace())
    const watcher = watchProvider(provider())
    await watcher.waitFor(({ kind }) => kind === 'connected')
    engine.disconnectEvents()
    await watcher.waitFor(({ kind }) => kind === 'disconnected')
    await watcher.waitFor((notice) => notice.kind === 'connected' && notice !== watcher.notices[0])
    engine.exitContainer(workspace.containerId, 1)
    await watcher.waitFor((notice) => notice.kind === 'changed' && notice.workspaceId === workspace.id)
    expect(watcher.notices.map(({ kind }) => kind)).toEqual(['connected', 'disconnected', 'connected', 'changed'])
    watcher.close()
  })

  it('an engine that hangs with its stream open is told as lost', async () => {
    const watcher = watchProvider(provider())
    await watcher.waitFor(({ kind }) => kind === 'connected')
    engine.respondWith('GET', /^\/_ping$/, noResponse, 1e6)
    const lost = await watcher.waitFor(({ kind }) => kind === 'disconnected')
    expect(lost).toMatchObject({ kind: 'disconnected', fault: { kind: 'unavailable' } })
    watcher.close()
  })

  it('an engine that is away from the start is told as lost once, however often it is tried', async () => {
    engine.respondWith('GET', /^\/events$/, () => errorResponse(503, 'starting'), 5)
    const watcher = watchProvider(provider())
    await watcher.waitFor(({ kind }) => kind === 'connected')
    expect(watcher.notices.map(({ kind }) => kind)).toEqual(['disconnected', 'connected'])
    watcher.close()
  })
})
