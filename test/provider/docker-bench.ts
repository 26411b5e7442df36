import { randomUUID } from 'node:crypto'
import { dockerProvider } from '../../src/provider/docker/docker-provider.ts'
import type { DockerTarget } from '../../src/provider/docker/target.ts'
import type { Provider } from '../../src/provider/provider.ts'
import { clientOf, sweep, sweepContainers } from '../engine/client.ts'
import { baseImage, ensureBaseImage } from '../engine/images.ts'
import { liveEngine } from '../engine/live-engine.ts'
import { silentLog } from '../engine/silent-log.ts'
import { type Bench, plainRecipe } from './bench.ts'

/** The engine that live tests use; `undefined`: there is none. */
export const target = await liveEngine()
// The same two for the whole suite: to make and remove their networks for each test would double the time that it
// takes.
const installations = { ours: randomUUID(), theirs: randomUUID() }

async function liveBench(docker: DockerTarget): Promise<Bench> {
  const client = clientOf(docker)
  await ensureBaseImage(client)
  const of = (installation: string): Provider => dockerProvider({ installation, docker, log: silentLog })
  return {
    provider: of(installations.ours),
    recipe: (partial) => plainRecipe({ image: baseImage, ...partial }),
    async kill(containerId) {
      const container = client.getContainer(containerId)
      const ended = container.wait({})
      await container.kill()
      await ended
    },
    removeByHand: (containerId) => client.getContainer(containerId).remove({ force: true }),
    again: () => of(installations.ours),
    other: () => of(installations.theirs),
    async close() {
      await Promise.all(Object.values(installations).map((installation) => sweepContainers(client, installation)))
    },
  }
}

/** What the contracts need of the engine. */
export const dockerBench = (): Promise<Bench> =>
  target ? liveBench(target) : Promise.reject(new Error('no engine answers'))

/** Removes all that is left of it. */
export async function sweepAll(): Promise<void> {
  if (target) for (const installation of Object.values(installations)) await sweep(clientOf(target), installation)
}
