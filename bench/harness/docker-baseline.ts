import type Docker from 'dockerode'
import { containerOptions } from '../../src/provider/docker/lifecycle/container-options.ts'
import { installationLabels } from '../../src/provider/docker/engine/labels.ts'
import type { WorkspaceSpec } from '../../src/workspace/spec.ts'
import { removeAll } from '../../test/engine/docker-client.ts'

/** Somebody who makes the same container with the same client, and keeps no record of it. */
export interface DockerBaseline {
  /** Looks for the image, makes a container as the service does, starts it, and removes it. Answers how long it took until it ran, in ms. */
  create(): Promise<number>
  close(): Promise<void>
}

/** Makes containers of `recipe` on a network of the same kind as the service's, labelled with `label` so that they are found again. */
export async function dockerBaseline(docker: Docker, spec: WorkspaceSpec, label: string): Promise<DockerBaseline> {
  const labels = installationLabels(label)
  const network = await docker.createNetwork({
    Name: label,
    Driver: 'bridge',
    Labels: labels,
    Options: { 'com.docker.network.bridge.enable_icc': 'false' },
  })
  let count = 0
  return {
    async create() {
      count += 1
      const body = containerOptions(spec, labels, label, spec.limits)
      const startedAt = performance.now()
      await docker.getImage(spec.image).inspect()
      const container = await docker.createContainer({ ...body, name: `${label}-${count}` })
      await container.start()
      const elapsedMs = performance.now() - startedAt
      await container.remove({ force: true, v: true })
      return elapsedMs
    },
    async close() {
      await removeAll(docker, label)
      await network.remove().catch(() => undefined) // the sweep has removed it, unless somebody is still on it
    },
  }
}
