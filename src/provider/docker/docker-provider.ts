import { ok, type Outcome } from '../../workspace/fault.ts'
import type { ContainerRecord } from '../../workspace/container.ts'
import type { Log } from '../../workspace/log.ts'
import type { Provider } from '../provider.ts'
import { boot } from './lifecycle/boot.ts'
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

/** What the Docker provider is built from. */
export interface DockerProviderDeps {
  /** This installation's id: only containers and networks labelled with it are touched (law 8). */
  readonly installation: string
  readonly target: DockerTarget
  readonly log: Log
  /** Overrides of the default timeouts. */
  readonly timeouts?: Partial<EngineTimeouts>
}

/**
 * Runs workspaces as containers of the Docker engine at `target`. Connects on the first request, and reconnects as
 * needed.
 */
export function dockerProvider({ installation, target, log, timeouts }: DockerProviderDeps): Provider {
  const engine = dockerEngine({ installation, target, timeouts: { ...defaultEngineTimeouts, ...timeouts } })
  const networks = dockerNetworks(engine)
  const creator = containerCreator(engine, networks)
  const guest = dockerGuest(engine)
  return {
    name: 'docker',
    guest,
    image: (workspace, signal, onProgress) => ensureImage(engine, workspace, signal, onProgress),
    container: (workspace, signal) => creator.create(workspace, signal),
    boot: (workspace, signal) => boot(engine, networks, workspace, signal),
    setup: (workspace, signal, onProgress, onOutput) => setup(engine, guest, workspace, signal, onProgress, onOutput),
    stop: (workspace, signal) => stop(engine, workspace, signal),
    async remove(workspaceId, containerId, signal) {
      // Law 4: a delete during a create must not leave behind the container that the engine is creating.
      await withDeadline(engine.timeouts.createMs, signal, () => creator.whenSettled(workspaceId))
      return remove(engine, workspaceId, containerId, signal)
    },
    async inspect(workspaceId, signal): Promise<Outcome<ContainerRecord | null>> {
      const containers = await list(engine, log, signal, workspaceId)
      if (!containers.ok) return containers
      // If there is more than one, those that are not running are leftovers.
      return ok(containers.value.find(({ state }) => state.kind === 'running') ?? containers.value[0] ?? null)
    },
    list: (signal) => list(engine, log, signal),
    ping: (signal) => engine.ping(signal),
    watch: (notify) => watch(engine, notify),
  }
}
