import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { dockerProvider } from '../../../../src/provider/docker/docker-provider.ts'
import type { Provider } from '../../../../src/provider/provider.ts'
import { silentLog } from '../../../silent-log.ts'
import {
  faultOf,
  createdWorkspace,
  newWorkspaceRef,
  plainSpec,
  neverAborted,
  valueOf,
} from '../../contract/provider-fixture.ts'
import { jsonResponse, type SimulatedEngine, simulatedEngine, errorResponse } from './simulated-engine.ts'

const image = 'vm-test/base:latest'
const installation = randomUUID()
let engine: SimulatedEngine
let provider: Provider

beforeEach(() => {
  engine = simulatedEngine(image)
  engine.server.listen()
  provider = dockerProvider({ installation, target: engine.target, log: silentLog })
})
afterEach(() => engine.server.close())

/** A container whose start was interrupted: from then on every start fails for the same reason. */
async function startInterrupted(startedAt: string, reason = (id: string) => `task ${id}: already exists`) {
  const workspace = await createdWorkspace(provider, newWorkspaceRef(plainSpec({ image })))
  const { containerId, id } = workspace
  engine.respondWith('POST', /\/start$/, () => errorResponse(500, reason(containerId)))
  engine.respondWith('GET', new RegExp(`^/containers/${containerId}/json$`), () => {
    const Labels = { 'vm-api.installation': installation, 'vm-api.workspace': id }
    return jsonResponse(200, {
      Id: containerId,
      Config: { Labels },
      State: { Status: 'created', StartedAt: startedAt },
    })
  })
  return workspace
}

describe('A container whose engine was killed while starting it', () => {
  it.each([
    ['task: already exists', (id: string) => `task ${id}: already exists`],
    ['id already in use', () => 'id already in use'],
  ])('is created again if it has never run: %s', async (_, reason) => {
    const workspace = await startInterrupted('0001-01-01T00:00:00Z', reason)
    expect(faultOf(await provider.boot(workspace, neverAborted())).kind).toBe('missing')
    expect(engine.containersOf(workspace.id)).toEqual([])
    const recreated = await createdWorkspace(provider, workspace)
    valueOf(await provider.boot(recreated, neverAborted()))
    expect(engine.containersOf(workspace.id)).toEqual([recreated.containerId])
  })

  it('is kept with its files if it has run before, and the fault names the process to end', async () => {
    const workspace = await startInterrupted('2026-01-31T12:00:00Z')
    const { kind, message } = faultOf(await provider.boot(workspace, neverAborted()))
    expect(kind).toBe('transient')
    expect(message).toContain(`containerd-shim-runc-v2 … -id ${workspace.containerId}`)
    expect(engine.containersOf(workspace.id)).toEqual([workspace.containerId])
  })
})
