import type Docker from 'dockerode'
import { ok, fault, type Outcome } from '../../../workspace/fault.ts'
import type { DockerTarget } from '../engine/docker-target.ts'
import { type Engine, dockerEngine } from '../engine/engine.ts'
import { defaultEngineTimeouts } from '../engine/engine-timeouts.ts'
import { installationLabels, hasInstallationLabel, labelFilter } from '../engine/labels.ts'
import { listContainers } from '../observe/list-containers.ts'
import { jsonField, stringField } from '../engine/json-fields.ts'

// A Linux bridge has 1,024 ports. One network per owner is not an option: the engine's address pools are exhausted at the
// 31st network.
const maxContainersPerNetwork = 1_000

// Work shared by all callers must not end with the signal of one. Each request still has its timeout.
const neverAborted = new AbortController().signal

/** The installation's networks. Containers on a network cannot reach each other. */
export interface DockerNetworks {
  /** Returns the name of a network with room for another container, which counts as taken. Creates one if necessary. */
  reserve(): Promise<Outcome<string>>
  /**
   * Reconnects a stopped container to a network that has been removed: `docker network prune` removes networks whose
   * containers are all stopped. May be repeated.
   */
  reconnect(name: string, containerId: string, signal: AbortSignal): Promise<Outcome<void>>
}

/**
 * Counts containers once and remembers the result until the engine is unreachable or the network is full, so that a
 * create usually needs no request. Concurrent calls share one count, which no caller's signal aborts.
 */
export function dockerNetworks(engine: Engine): DockerNetworks {
  const prefix = `vm-api-${engine.installation.replace(/[^\w.-]/g, '').slice(0, 13)}`
  let current: { epoch: number; name: string; freeSlots: number } | undefined
  let selecting: Promise<Outcome<void>> | undefined
  const pendingCreates = new Map<string, Promise<Outcome<void>>>()

  async function selectNetwork(): Promise<Outcome<void>> {
    const epoch = engine.epoch()
    const containers = await listContainers(engine, neverAborted)
    if (!containers.ok) return containers
    const containersOn = (name: string): number => containers.value.filter(({ network }) => network === name).length
    let number = 1
    while (containersOn(`${prefix}-${number}`) >= maxContainersPerNetwork) number += 1
    const name = `${prefix}-${number}`
    const ensured = await ensureNetwork(name)
    if (ensured.ok) current = { epoch, name, freeSlots: maxContainersPerNetwork - containersOn(name) }
    return ensured
  }

  function ensureNetwork(name: string): Promise<Outcome<void>> {
    const pending = pendingCreates.get(name) ?? createIfMissing(engine, name).finally(() => pendingCreates.delete(name))
    pendingCreates.set(name, pending)
    return pending
  }

  return {
    async reserve() {
      if (current?.epoch !== engine.epoch() || current.freeSlots < 1) {
        selecting ??= selectNetwork().finally(() => (selecting = undefined))
        const selection = await selecting
        if (!selection.ok) return selection
      }
      if (!current) return fault('transient', 'The engine became unreachable while a network was selected.')
      current.freeSlots -= 1
      return ok(current.name)
    },
    async reconnect(name, containerId, signal) {
      const ensured = await ensureNetwork(name)
      if (!ensured.ok) return ensured
      return engine.request(
        {
          action: `connect the container to the network ${name}`,
          timeoutMs: engine.timeouts.createMs,
          async run(docker, abortSignal) {
            // The container refers to the removed network by id. Only a disconnect clears that reference.
            await docker.getNetwork(name).disconnect({ Container: containerId, Force: true, abortSignal })
            await docker.getNetwork(name).connect({ Container: containerId })
          },
        },
        signal,
      )
    },
  }
}

async function createIfMissing(engine: Engine, name: string): Promise<Outcome<void>> {
  const existing = await findNetworks(engine, name)
  if (!existing.ok) return existing
  if (existing.value.length === 0) {
    const creation = await engine.request(
      {
        action: `create the network ${name}`,
        timeoutMs: engine.timeouts.createMs,
        run: (docker, abortSignal) =>
          docker.createNetwork({ ...networkOptions(name, engine.installation), abortSignal }),
      },
      neverAborted,
    )
    // 409: another process was faster, such as a killed predecessor of this one. The check below tells whose it is.
    if (!creation.ok && creation.status !== 409) return creation
  }
  return removeDuplicates(engine, name)
}

/**
 * Removes all networks of this name but the oldest: a container cannot start on an ambiguous name. The engine checks for
 * duplicates, but not between concurrent requests.
 */
async function removeDuplicates(engine: Engine, name: string): Promise<Outcome<void>> {
  const existing = await findNetworks(engine, name)
  if (!existing.ok) return existing
  if (!existing.value.every((network) => hasInstallationLabel(jsonField(network, 'Labels'), engine.installation))) {
    const advice = `Remove it with: docker network rm ${name}`
    return fault('permanent', `The existing network ${name} does not belong to this installation. ${advice}`)
  }
  const sortKey = (network: unknown): string => `${stringField(network, 'Created')} ${stringField(network, 'Id')}`
  for (const network of existing.value.toSorted((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1)).slice(1)) {
    const removal = await engine.request(
      {
        action: `remove the duplicate network ${name}`,
        timeoutMs: engine.timeouts.createMs,
        run: (docker, abortSignal) => docker.getNetwork(stringField(network, 'Id') ?? '').remove({ abortSignal }),
      },
      neverAborted,
    )
    if (!removal.ok && removal.status !== 404) return removal
  }
  return ok(undefined)
}

function networkOptions(name: string, installation: string): Docker.NetworkCreateOptions {
  return {
    Name: name,
    CheckDuplicate: true,
    Driver: 'bridge',
    Labels: installationLabels(installation),
    Options: { 'com.docker.network.bridge.enable_icc': 'false' },
  }
}

/** All networks named `name`, of any owner. The engine's own filter also matches parts of names. */
async function findNetworks(engine: Engine, name: string): Promise<Outcome<readonly unknown[]>> {
  const networks = await engine.request(
    {
      action: 'list networks',
      timeoutMs: engine.timeouts.readMs,
      run: (docker, abortSignal) => docker.listNetworks({ filters: { name: [name] }, abortSignal }),
    },
    neverAborted,
  )
  if (!networks.ok) return networks
  return ok(networks.value.filter((network) => stringField(network, 'Name') === name))
}

/** Removes the networks of `installation`. A network with a running container on it is a fault. May be repeated. */
export async function pruneNetworks(
  target: DockerTarget,
  installation: string,
  signal: AbortSignal,
): Promise<Outcome<void>> {
  const engine = dockerEngine({ installation, target, timeouts: defaultEngineTimeouts })
  const prune = {
    action: 'remove the networks',
    timeoutMs: engine.timeouts.createMs,
    async run(docker: Docker, abortSignal: AbortSignal) {
      const filters = { label: labelFilter(installation) }
      const networks = await docker.listNetworks({ filters, abortSignal })
      // An engine that ignores the filter must not cost others their networks (law 8).
      for (const { Id } of networks.filter((network) => hasInstallationLabel(network.Labels, installation)))
        await docker.getNetwork(Id).remove({ abortSignal })
    },
  }
  const result = await engine.request(prune, signal)
  engine.close()
  return result
}
