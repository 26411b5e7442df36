import type Docker from 'dockerode'
import { ok, fault, type Outcome } from '../../../workspace/fault.ts'
import type { DockerTarget } from '../engine/docker-target.ts'
import { type Engine, dockerEngine } from '../engine/engine.ts'
import { defaultEngineTimeouts } from '../engine/engine-timeouts.ts'
import { installationLabels, hasInstallationLabel, labelFilter } from '../engine/labels.ts'
import { listContainers } from '../observe/list-containers.ts'
import { jsonField, stringField } from '../engine/json-fields.ts'

// A Linux bridge has 1 024 ports. A network per owner is no way out: the engine's address pools were used up at the
// 31st.
const maxContainersPerNetwork = 1_000

// What is looked up for all must not end with one caller. Each request has its deadline.
const neverAborted = new AbortController().signal

/** The networks that workspaces are on. Containers on one cannot talk to each other. */
export interface DockerNetworks {
  /** The name of a network with room for one more container; made if there is none. The room is counted as taken. */
  reserve(): Promise<Outcome<string>>
  /**
   * Puts the stopped container `id` on the network `name` again, after that vanished: a prune takes the networks whose
   * containers are all stopped. May be repeated.
   */
  reconnect(name: string, containerId: string, signal: AbortSignal): Promise<Outcome<void>>
}

/**
 * The networks of `installation`. What was counted is remembered until the engine was away or the room is used up, so a
 * create need not ask. Both verbs may be called at once; they share one look, which no caller's signal ends, and which
 * has the deadlines of its requests.
 */
export function dockerNetworks(engine: Engine, installation: string): DockerNetworks {
  const prefix = `vm-api-${installation.replace(/[^\w.-]/g, '').slice(0, 13)}`
  let current: { epoch: number; name: string; freeSlots: number } | undefined
  let selecting: Promise<Outcome<void>> | undefined
  const pendingCreates = new Map<string, Promise<Outcome<void>>>()

  async function selectNetwork(): Promise<Outcome<void>> {
    const epoch = engine.epoch()
    const containers = await listContainers(engine, installation, undefined, neverAborted)
    if (!containers.ok) return containers
    const containersOn = (name: string): number => containers.value.filter(({ network }) => network === name).length
    let number = 1
    while (containersOn(`${prefix}-${number}`) >= maxContainersPerNetwork) number += 1
    const name = `${prefix}-${number}`
    const ensured = await ensureNetwork(name)
    if (ensured.ok) current = { epoch, name, freeSlots: maxContainersPerNetwork - containersOn(name) }
    return ensured
  }

  async function createIfMissing(name: string): Promise<Outcome<void>> {
    const existing = await findNetworks(engine, name)
    if (!existing.ok) return existing
    if (existing.value.length === 0) {
      const creation = await engine.request(
        {
          action: `make the network ${name}`,
          timeoutMs: engine.timeouts.createMs,
          run: (docker, abortSignal) => docker.createNetwork({ ...networkOptions(name, installation), abortSignal }),
        },
        neverAborted,
      )
      // 409: somebody was faster, a predecessor that was killed say. The look below tells who.
      if (!creation.ok && creation.status !== 409) return creation
    }
    return removeDuplicates(name)
  }

  /**
   * Of networks with the same name only the oldest may stay: a container on such a name cannot start. The engine checks
   * for duplicates, but not when two are asked for at once.
   */
  async function removeDuplicates(name: string): Promise<Outcome<void>> {
    const existing = await findNetworks(engine, name)
    if (!existing.ok) return existing
    const ours = existing.value.filter((network) => hasInstallationLabel(jsonField(network, 'Labels'), installation))
    if (ours.length < existing.value.length) {
      const advice = `Remove it (docker network rm ${name}).`
      return fault('permanent', `A network named ${name} is not this installation's. ${advice}`)
    }
    const sortKey = (network: unknown): string => `${stringField(network, 'Created')} ${stringField(network, 'Id')}`
    for (const network of ours.toSorted((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1)).slice(1)) {
      const removal = await engine.request(
        {
          action: `remove a second network ${name}`,
          timeoutMs: engine.timeouts.createMs,
          run: (docker, abortSignal) => docker.getNetwork(stringField(network, 'Id') ?? '').remove({ abortSignal }),
        },
        neverAborted,
      )
      if (!removal.ok && removal.status !== 404) return removal
    }
    return ok(undefined)
  }

  /** Makes the network `name` exist. */
  function ensureNetwork(name: string): Promise<Outcome<void>> {
    const pending = pendingCreates.get(name) ?? createIfMissing(name).finally(() => pendingCreates.delete(name))
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
      if (!current) return fault('transient', 'The engine was lost while a network was chosen.')
      current.freeSlots -= 1
      return ok(current.name)
    },
    async reconnect(name, containerId, signal) {
      const ensured = await ensureNetwork(name)
      if (!ensured.ok) return ensured
      return engine.request(
        {
          action: `put the container on the network ${name}`,
          timeoutMs: engine.timeouts.createMs,
          async run(docker, abortSignal) {
            // The container remembers the id of the one that vanished: only leaving makes it forget.
            await docker.getNetwork(name).disconnect({ Container: containerId, Force: true, abortSignal })
            await docker.getNetwork(name).connect({ Container: containerId })
          },
        },
        signal,
      )
    },
  }
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

/** The networks named `name`, whoever's. The engine's own filter matches parts of names too. */
async function findNetworks(engine: Engine, name: string): Promise<Outcome<readonly unknown[]>> {
  const networks = await engine.request(
    {
      action: 'list networks',
      timeoutMs: engine.timeouts.readMs,
      run: (docker, abortSignal) => docker.listNetworks({ filters: { name: [name] }, abortSignal }),
    },
    neverAborted,
  )
  return networks.ok ? ok(networks.value.filter((network) => stringField(network, 'Name') === name)) : networks
}

/** Removes the networks of `installation`. A network with a running container on it is a fault. May be repeated. */
export async function pruneNetworks(
  target: DockerTarget,
  installation: string,
  signal: AbortSignal,
): Promise<Outcome<void>> {
  const engine = dockerEngine(target, defaultEngineTimeouts)
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
