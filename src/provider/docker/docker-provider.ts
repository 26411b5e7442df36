import { ok, type Outcome } from '../../workspace/fault.ts'
import type { ContainerRecord } from '../../workspace/container.ts'
import type { Log } from '../../workspace/log.ts'
import type { Provider } from '../provider.ts'
import { boot } from './lifecycle/boot.ts'
import { engineCapacityReader } from './engine/capacity.ts'
import { containerCreator } from './lifecycle/create-container.ts'
import { type EngineTimeouts, defaultEngineTimeouts } from './engine/engine-timeouts.ts'
import { dockerEngine } from './engine/engine.ts'
import { stop } from './lifecycle/stop.ts'
import { ensureImage } from './lifecycle/image.ts'
import { dockerGuest } from './guest/docker-guest.ts'
import { list } from './observe/list.ts'
import { dockerNetworks } from './lifecycle/networks.ts'
import { withDeadline } from './engine/with-deadline.ts'
import { remove } from './lifecycle/remove.ts'
import { setup } from './lifecycle/setup.ts'
import type { DockerTarget } from './engine/docker-target.ts'
import { watch } from './observe/watch.ts'

/** What the Docker provider is made of. */
export interface DockerProviderDeps {
  /** This installation's id: only containers and networks that carry it are touched (law 8). */
  readonly installation: string
  readonly target: DockerTarget
  readonly log: Log
  /** In place of the usual ones. */
  readonly timeouts?: Partial<EngineTimeouts>
}

/**
 * Workspaces as containers of the Docker engine at `docker`. Connects with the first request, and again whenever it
 * must.
 */
export function dockerProvider({ installation, target, log, timeouts }: DockerProviderDeps): Provider {
  const engine = dockerEngine(target, { ...defaultEngineTimeouts, ...timeouts })
  const networks = dockerNetworks(engine, installation)
  const creator = containerCreator({ engine, installation, networks, capacity: engineCapacityReader(engine) })
  const guest = dockerGuest(engine, installation)
  return {
    name: 'docker',
    guest,
    image: (workspace, signal, onProgress) => ensureImage(engine, workspace, signal, onProgress),
    container: (workspace, signal) => creator.create(workspace, signal),
    boot: (workspace, signal) => boot(engine, installation, networks, workspace, signal),
    setup: (workspace, signal, onProgress, onOutput) =>
      setup(engine, installation, guest, workspace, signal, onProgress, onOutput),
    stop: (workspace, signal) => stop(engine, installation, workspace, signal),
    async remove(workspaceId, containerId, signal) {
      // Law 4: a DELETE in the middle of a create must not leave behind what the engine is just making.
      await withDeadline(engine.timeouts.createMs, signal, () => creator.whenSettled(workspaceId))
      return remove(engine, installation, workspaceId, containerId, signal)
    },
    async inspect(workspaceId, signal): Promise<Outcome<ContainerRecord | null>> {
      const containers = await list(engine, installation, log, workspaceId, signal)
      if (!containers.ok) return containers
      // More than one is a leftover beside the one that runs.
      return ok(containers.value.find(({ state }) => state.kind === 'running') ?? containers.value[0] ?? null)
    },
    list: (signal) => list(engine, installation, log, undefined, signal),
    ping: (signal) => engine.ping(signal),
    watch: (notify) => watch(engine, installation, notify),
  }
}
