import Docker from 'dockerode'
import type { DockerTarget } from '../../src/provider/docker/engine/docker-target.ts'

/** A client for what a person does to the engine behind the service's back: kill, pause, remove by hand. */
export function dockerClient({ endpoint }: DockerTarget): Docker {
  if (endpoint.kind === 'socket') return new Docker({ socketPath: endpoint.path, host: undefined, port: undefined })
  return new Docker({
    host: endpoint.host,
    port: endpoint.port,
    protocol: endpoint.kind,
    ...(endpoint.kind === 'https' && endpoint.tls),
  })
}

/** Removes every container of `installation`. A container that disappears meanwhile is not an error. */
export async function removeContainers(docker: Docker, installation: string): Promise<void> {
  const containers = await docker.listContainers({ all: true, filters: byInstallation(installation) })
  await Promise.all(
    containers.map(({ Id }) => docker.getContainer(Id).remove({ force: true, v: true }).catch(ignoreMissing)),
  )
}

/** Removes every container and network of `installation`: the engine has addresses for about thirty networks only. */
export async function removeAll(docker: Docker, installation: string): Promise<void> {
  await removeContainers(docker, installation)
  const networks = await docker.listNetworks({ filters: byInstallation(installation) })
  await Promise.all(networks.map(({ Id }) => docker.getNetwork(Id).remove({}).catch(ignoreMissing)))
}

function byInstallation(installation: string): { label: string[] } {
  return { label: [`vm-api.installation=${installation}`] }
}

function ignoreMissing(error: unknown): void {
  const status: unknown = typeof error === 'object' && error !== null ? Reflect.get(error, 'statusCode') : undefined
  if (status !== 404 && status !== 409) throw error
}
