import { randomUUID } from 'node:crypto'
import { dockerProvider } from '../../../../src/provider/docker/docker-provider.ts'
import type { DockerTarget } from '../../../../src/provider/docker/engine/docker-target.ts'
import type { Provider } from '../../../../src/provider/provider.ts'
import { dockerClient, removeAll, removeContainers } from '../../../engine/docker-client.ts'
import { baseImage, ensureBaseImage } from '../../../engine/images.ts'
import { liveEngine } from '../../../engine/live-engine.ts'
import { silentLog } from '../../../silent-log.ts'
import { type ProviderFixture, plainSpec } from '../../contract/provider-fixture.ts'

/** The engine that live tests use; `undefined`: there is none. */
export const liveTarget = await liveEngine()
// The same two for the whole suite: to make and remove their networks for each test would double the time that it
// takes.
const testInstallations = { ours: randomUUID(), theirs: randomUUID() }

async function liveFixture(docker: DockerTarget): Promise<ProviderFixture> {
  const client = dockerClient(docker)
  await ensureBaseImage(client)
  const providerOf = (installation: string): Provider =>
    dockerProvider({ installation, target: docker, log: silentLog })
  return {
    provider: providerOf(testInstallations.ours),
    newSpec: (partial) => plainSpec({ image: baseImage, ...partial }),
    async kill(containerId) {
      const container = client.getContainer(containerId)
      const ended = container.wait({})
      await container.kill()
      await ended
    },
    removeByHand: (containerId) => client.getContainer(containerId).remove({ force: true }),
    restarted: () => providerOf(testInstallations.ours),
    otherInstallation: () => providerOf(testInstallations.theirs),
    async close() {
      await Promise.all(Object.values(testInstallations).map((installation) => removeContainers(client, installation)))
    },
  }
}

/** What the contracts need of the engine. */
export const dockerFixture = (): Promise<ProviderFixture> =>
  liveTarget ? liveFixture(liveTarget) : Promise.reject(new Error('no engine answers'))

/** Removes all that is left of it. */
export async function removeTestContainers(): Promise<void> {
  if (liveTarget)
    for (const installation of Object.values(testInstallations)) await removeAll(dockerClient(liveTarget), installation)
}
