import { randomUUID } from 'node:crypto'
import { dockerProvider } from '../../../../src/provider/docker/docker-provider.ts'
import type { DockerTarget } from '../../../../src/provider/docker/engine/docker-target.ts'
import type { Provider } from '../../../../src/provider/provider.ts'
import { dockerClient, removeAll, removeContainers } from '../../../engine/docker-client.ts'
import { baseImage, ensureBaseImage } from '../../../engine/images.ts'
import { liveEngine } from '../../../engine/live-engine.ts'
import { silentLog } from '../../../silent-log.ts'
import { type ProviderFixture, plainSpec } from '../../contract/provider-fixture.ts'

/** The engine that live tests use; `undefined` if none answers. */
export const liveTarget = await liveEngine()
// Shared by the whole suite: creating and removing networks for each test would double its duration.
const testInstallations = { ours: randomUUID(), theirs: randomUUID() }

async function liveFixture(target: DockerTarget): Promise<ProviderFixture> {
  const client = dockerClient(target)
  await ensureBaseImage(client)
  const providerOf = (installation: string): Provider => dockerProvider({ installation, target, log: silentLog })
  return {
    provider: providerOf(testInstallations.ours),
    newSpec: (partial) => plainSpec({ image: baseImage, ...partial }),
    async kill(containerId) {
      const container = client.getContainer(containerId)
      const exited = container.wait({})
      await container.kill()
      await exited
    },
    removeByHand: (containerId) => client.getContainer(containerId).remove({ force: true }),
    restarted: () => providerOf(testInstallations.ours),
    otherInstallation: () => providerOf(testInstallations.theirs),
    async close() {
      await Promise.all(Object.values(testInstallations).map((installation) => removeContainers(client, installation)))
    },
  }
}

/** The live engine as the provider contracts use it. */
export const dockerFixture = (): Promise<ProviderFixture> =>
  liveTarget ? liveFixture(liveTarget) : Promise.reject(new Error('no engine answers'))

/** Removes the containers and networks of the suite. */
export async function removeTestContainers(): Promise<void> {
  if (liveTarget)
    for (const installation of Object.values(testInstallations)) await removeAll(dockerClient(liveTarget), installation)
}
