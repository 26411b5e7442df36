import type Docker from 'dockerode'
import { blueprint } from '../src/provider/docker/blueprint.ts'
import { installationLabels } from '../src/provider/docker/labels.ts'
import type { Recipe } from '../src/workspace/recipe.ts'
import { sweep } from '../test/engine/client.ts'

/** Somebody who makes the same container with the same client, and keeps no record of it. */
export interface ByHand {
  /** Looks for the image, makes a container as the service does, starts it, and removes it. Answers how long it took until it ran, in ms. */
  once(): Promise<number>
  close(): Promise<void>
}

/** Makes containers of `recipe` on a network of the same kind as the service's, labelled with `label` so that they are found again. */
export async function byHand(docker: Docker, recipe: Recipe, label: string): Promise<ByHand> {
  const labels = installationLabels(label)
  const network = await docker.createNetwork({
    Name: label,
    Driver: 'bridge',
    Labels: labels,
    Options: { 'com.docker.network.bridge.enable_icc': 'false' },
  })
  let count = 0
  return {
    async once() {
      count += 1
      const body = blueprint(recipe, labels, label, recipe.limits)
      const began = performance.now()
      await docker.getImage(recipe.image).inspect()
      const container = await docker.createContainer({ ...body, name: `${label}-${count}` })
      await container.start()
      const ms = performance.now() - began
      await container.remove({ force: true, v: true })
      return ms
    },
    async close() {
      await sweep(docker, label)
      await network.remove().catch(() => undefined) // the sweep has removed it, unless somebody is still on it
    },
  }
}
