import { done, type Outcome } from '../../workspace/fault.ts'
import type { Found } from '../../workspace/container.ts'
import type { Log } from '../../workspace/log.ts'
import type { Provider } from '../provider.ts'
import { boot } from './boot.ts'
import { capacityOf } from './capacity.ts'
import { clear } from './clear.ts'
import { containersOf } from './container.ts'
import { type Deadlines, usualDeadlines } from './deadlines.ts'
import { engineAt } from './engine.ts'
import { halt } from './halt.ts'
import { presentImage } from './image.ts'
import { dockerInside } from './inside.ts'
import { inventory } from './inventory.ts'
import { networksOf } from './network.ts'
import { race } from './race.ts'
import { remove } from './remove.ts'
import { setup } from './setup.ts'
import type { DockerTarget } from './target.ts'
import { watch } from './watch.ts'

/** What the Docker provider is made of. */
export interface DockerDeps {
  /** This installation's id: only containers and networks that carry it are touched (law 8). */
  readonly installation: string
  readonly docker: DockerTarget
  readonly log: Log
  /** In place of the usual ones. */
  readonly deadlines?: Partial<Deadlines>
}

/**
 * Workspaces as containers of the Docker engine at `docker`. Connects with the first request, and again whenever it
 * must.
 */
export function dockerProvider({ installation, docker, log, deadlines }: DockerDeps): Provider {
  const engine = engineAt(docker, { ...usualDeadlines, ...deadlines })
  const networks = networksOf(engine, installation)
  const containers = containersOf({ engine, installation, networks, capacity: capacityOf(engine) })
  return {
    name: 'docker',
    inside: dockerInside(engine, installation),
    image: (subject, signal, progress) => presentImage(engine, subject, signal, progress),
    container: (subject, signal) => containers.make(subject, signal),
    boot: (subject, signal) => boot(engine, installation, networks, subject, signal),
    setup: (subject, signal, progress, heard = () => {}) =>
      setup(engine, installation, subject, signal, progress, heard),
    halt: (subject, signal) => halt(engine, installation, subject, signal),
    async remove(id, containerId, signal) {
      // Law 4: a DELETE in the middle of a create must not leave behind what the engine is just making.
      await race(engine.deadlines.make, signal, () => containers.settled(id))
      return remove(engine, installation, id, containerId, signal)
    },
    async inspect(id, signal): Promise<Outcome<Found | null>> {
      const found = await inventory(engine, installation, log, id, signal)
      if (!found.ok) return found
      // More than one is a leftover beside the one that runs.
      return done(found.value.find(({ state }) => state.kind === 'running') ?? found.value[0] ?? null)
    },
    inventory: (signal) => inventory(engine, installation, log, undefined, signal),
    ready: (signal) => engine.ping(signal),
    clear: (signal) => clear(engine, installation, signal),
    watch: (tell) => watch(engine, installation, tell),
  }
}
