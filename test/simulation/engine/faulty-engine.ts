import type { EngineNotice, Provider } from '../../../src/provider/provider.ts'
import { unsupportedGuest } from '../../provider/fake/unsupported-guest.ts'
import type { ContainerExit } from '../../../src/workspace/container.ts'
import type { Fault } from '../../../src/workspace/fault.ts'
import { ok, fault } from '../../../src/workspace/fault.ts'
import type { Outcome } from '../../../src/workspace/fault.ts'
import type { WorkspaceId } from '../../../src/workspace/id.ts'
import type { WorkspaceRef } from '../../../src/workspace/workspace-ref.ts'
import type { SeededRandom } from '../../seeded-random.ts'
import type { HostContainer, EngineHost } from './engine-host.ts'
import { engineHost } from './engine-host.ts'
import { startRequest } from './engine-request.ts'
import type { PendingRequest, EngineRequest, EngineVerb } from './engine-request.ts'
import { faultProfiles } from './fault-profile.ts'
import type { FaultProfileName } from './fault-profile.ts'
import type { SimulationClock } from '../simulation-clock.ts'

export const ownInstallation = 'ours'

/** An engine on a simulated clock, with faults that depend on the seed. */
export interface FaultyEngine {
  readonly host: EngineHost
  /** Returns the provider of one process. Calls `onRequest` before each request is carried out. */
  provider(onRequest: (request: EngineRequest, others: readonly EngineRequest[]) => void): Provider
  /** Cuts off the provider of a dead process. Its pending requests may still be carried out. */
  kill(provider: Provider): void
  setFaultProfile(faultProfile: FaultProfileName): void
  /** Makes the engine unavailable for `ms`. With `restart`, all running containers go down. */
  disconnect(ms: number, restart: boolean): void
  reconnect(): void
  disconnected(): boolean
  inFlight(): readonly EngineRequest[]
}

interface EngineClient {
  notify: ((notice: EngineNotice) => void) | undefined
  alive: boolean
  connected: boolean
  readonly pendingRequests: Set<PendingRequest>
}

const disconnectedFault: Fault = { kind: 'unavailable', message: 'The engine cannot be reached.' }

export function faultyEngine(clock: SimulationClock, random: SeededRandom): FaultyEngine {
  let faultProfile = faultProfiles.none
  let disconnectedUntil = 0
  let disconnected = false
  const clients = new Map<Provider, EngineClient>()
  const host = engineHost(random, clock.monotonic, notifyChanged)

  function notifyChanged({ installation, workspaceId }: HostContainer) {
    clock.recordActivity()
    if (disconnected || installation !== ownInstallation) return
    for (const client of clients.values()) {
      if (!client.notify || random.chance(faultProfile.lostNotices)) continue
      for (let remaining = random.chance(faultProfile.duplicatedNotices) ? 2 : 1; remaining > 0; remaining -= 1)
        clock.timer(random.integer(0, 3000), () => !disconnected && client.notify?.({ kind: 'changed', workspaceId }))
    }
  }

  function connectClient(client: EngineClient) {
    clock.timer(random.integer(0, 1000), () => {
      if (disconnected || client.connected || !client.notify) return
      client.connected = true
      client.notify({ kind: 'connected' })
    })
  }

  function disconnect(ms: number, restart: boolean) {
    const wasDisconnected = disconnected
    disconnected = true
    disconnectedUntil = Math.max(disconnectedUntil, clock.monotonic() + ms)
    for (const client of clients.values()) {
      for (const pendingRequest of client.pendingRequests) pendingRequest.failWith(disconnectedFault)
      if (client.connected || !wasDisconnected) client.notify?.({ kind: 'disconnected', fault: disconnectedFault })
      client.connected = false
    }
    if (restart)
      for (const container of host.containers.values()) {
        if (container.state.kind !== 'running') continue
        host.recordEvent(container.workspaceId, 'with-engine')
        host.endContainer(container, { code: 137, outOfMemory: false, wentDownWithEngine: true })
      }
    clock.timer(ms, () => clock.monotonic() >= disconnectedUntil && reconnect())
  }

  function reconnect() {
    if (!disconnected) return
    disconnected = false
    for (const client of clients.values()) connectClient(client)
  }

  function provider(onRequest: (request: EngineRequest, others: readonly EngineRequest[]) => void): Provider {
    const client: EngineClient = { notify: undefined, alive: true, connected: false, pendingRequests: new Set() }

    function performRequest<T>(
      verb: EngineVerb,
      workspaceId: WorkspaceId | null,
      signal: AbortSignal,
      work: () => Outcome<T>,
      containerId: string | null = null,
    ): Promise<Outcome<T>> {
      if (!client.alive) return new Promise(() => {}) // a dead process makes no requests
      const request = { verb, workspaceId, containerId, signal }
      onRequest(
        request,
        [...client.pendingRequests].map((pendingRequest) => pendingRequest.request),
      )
      const onSettled = (pendingRequest: PendingRequest) => void client.pendingRequests.delete(pendingRequest)
      const faultContext = {
        clock,
        random,
        faultProfile,
        disconnectedFault: disconnected ? disconnectedFault : null,
        recordFault: host.recordEvent,
        onSettled,
      }
      const { pendingRequest, outcome } = startRequest(request, work, faultContext)
      client.pendingRequests.add(pendingRequest)
      return outcome
    }

    const ownContainers = (id: WorkspaceId) => host.containersOf(ownInstallation, id)
    const missingFault = (id: WorkspaceId) =>
      fault('missing', `The container of workspace ${id} does not exist any more.`)
    const requestedContainer = ({ id, containerId }: WorkspaceRef) =>
      ownContainers(id).find((container) => container.containerId === containerId)
    const newProvider: Provider = {
      name: 'docker',
      guest: unsupportedGuest,
      image: ({ id, spec }, signal, progress) =>
        performRequest('image', id, signal, () => {
          progress(`Pulling ${spec.image}`)
          return spec.image.startsWith('missing')
            ? fault('permanent', `There is no image ${spec.image}.`)
            : ok({ imageId: `sha256:${spec.image}` })
        }),
      container: ({ id }, signal) =>
        performRequest('container', id, signal, () =>
          ok({ containerId: host.createContainer(ownInstallation, id).containerId }),
        ),
      boot: (workspace, signal) =>
        performRequest('boot', workspace.id, signal, () => {
          const container = requestedContainer(workspace)
          if (!container) return missingFault(workspace.id)
          host.runContainer(container)
          return container.state.kind === 'running'
            ? ok({ connection: container.state.connection })
            : fault('transient', 'The container did not start.')
        }),
      setup: (workspace, signal, progress) =>
        performRequest('setup', workspace.id, signal, () => {
          const container = requestedContainer(workspace)
          if (!container) return missingFault(workspace.id)
          if (container.state.kind !== 'running') return fault('transient', 'The container is not running.')
          progress('Running postStartCommand')
          return !workspace.prepared && workspace.spec.postCreate.length > 0
            ? fault('permanent', 'postCreateCommand failed with exit code 3.')
            : ok(undefined)
        }),
      stop: ({ id }, signal) =>
        performRequest('stop', id, signal, () => {
          for (const container of ownContainers(id)) host.endContainer(container, cleanExit)
          return ok(undefined)
        }),
      remove(id, containerId, signal) {
        const found = ownContainers(id) // law 9: not those that are created meanwhile
        const byContainerId = containerId === null ? undefined : host.containers.get(containerId)
        const work = () => {
          for (const container of byContainerId ? [...found, byContainerId] : found) host.removeContainer(container)
          return ok(undefined)
        }
        return performRequest('remove', id, signal, work, containerId)
      },
      inspect: (id, signal) =>
        performRequest('inspect', id, signal, () => ok(ownContainers(id).map(({ ...found }) => found)[0] ?? null)),
      list: (signal) =>
        performRequest('list', null, signal, () =>
          ok(
            [...host.containers.values()].flatMap(({ installation, ...found }) =>
              installation === ownInstallation ? [found] : [],
            ),
          ),
        ),
      ping: (signal) => performRequest('ping', null, signal, () => ok(undefined)),
      watch(notify) {
        client.notify = notify
        if (disconnected)
          clock.timer(0, () => !client.connected && client.notify?.({ kind: 'disconnected', fault: disconnectedFault }))
        else connectClient(client)
        return { close: () => (client.notify = undefined) }
      },
    }
    clients.set(newProvider, client)
    return newProvider
  }

  return {
    host,
    provider,
    kill(provider) {
      const client = clients.get(provider)
      if (!client) return
      Object.assign(client, { alive: false, notify: undefined })
      for (const pendingRequest of client.pendingRequests) pendingRequest.abandon()
      clients.delete(provider)
    },
    setFaultProfile: (name) => void (faultProfile = faultProfiles[name]),
    disconnect,
    reconnect: () => {
      disconnectedUntil = 0
      reconnect()
    },
    disconnected: () => disconnected,
    inFlight: () =>
      [...clients.values()].flatMap(({ pendingRequests }) => [...pendingRequests].map(({ request }) => request)),
  }
}

const cleanExit: ContainerExit = { code: 0, outOfMemory: false, wentDownWithEngine: false }
