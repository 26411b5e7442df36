import Docker from 'dockerode'
import type { DockerTarget } from '../../src/provider/docker/engine/docker-target.ts'

/** An engine client of the tests' own, for what somebody does beside the service: kill, pause, remove by hand. */
export function dockerClient({ at: address }: DockerTarget): Docker {
  if (address.kind === 'socket') return new Docker({ socketPath: address.path, host: undefined, port: undefined })
  return new Docker({
    host: address.host,
    port: address.port,
    protocol: address.kind,
    ...(address.kind === 'https' && address.tls),
  })
}

/** Removes every container of `installation`. What is gone meanwhile is no error. */
export async function removeContainers(docker: Docker, installation: string): Promise<void> {
  const containers = await docker.listContainers({ all: true, filters: byInstallation(installation) })
  await Promise.all(
    containers.map(({ Id }) => docker.getContainer(Id).remove({ force: true, v: true }).catch(ignoreMissing)),
  )
}

/** Removes every container and network of `installation`: the engine has addresses for some thirty networks only. */
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
