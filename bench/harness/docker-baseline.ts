import type Docker from 'dockerode'
import { containerOptions } from '../../src/provider/docker/lifecycle/container-options.ts'
import { installationLabels } from '../../src/provider/docker/engine/labels.ts'
import type { WorkspaceSpec } from '../../src/workspace/spec.ts'
import { removeAll } from '../../test/engine/docker-client.ts'

/** Creates the same containers as the service through dockerode, without keeping records. */
export interface DockerBaseline {
  /** Inspects the image, creates and starts a container, and removes it. Returns the milliseconds until the container runs. */
  create(): Promise<number>
  close(): Promise<void>
}

/** Creates containers of `spec` on a network like that of the service, all labelled with `label` for the cleanup. */
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
      await network.remove().catch(() => undefined) // already removed, unless a container still uses it
    },
  }
}
