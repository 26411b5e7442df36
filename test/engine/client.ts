import Docker from 'dockerode'
import type { DockerTarget } from '../../src/provider/docker/target.ts'

/** An engine client of the tests' own, for what somebody does beside the service: kill, pause, remove by hand. */
export function clientOf({ at }: DockerTarget): Docker {
  if (at.kind === 'socket') return new Docker({ socketPath: at.path, host: undefined, port: undefined })
  return new Docker({ host: at.host, port: at.port, protocol: at.kind, ...(at.kind === 'https' && at.tls) })
}

/** Removes every container of `installation`. What is gone meanwhile is no error. */
export async function sweepContainers(docker: Docker, installation: string): Promise<void> {
  const containers = await docker.listContainers({ all: true, filters: labelled(installation) })
  await Promise.all(containers.map(({ Id }) => docker.getContainer(Id).remove({ force: true, v: true }).catch(gone)))
}

/** Removes every container and network of `installation`: the engine has addresses for some thirty networks only. */
export async function sweep(docker: Docker, installation: string): Promise<void> {
  await sweepContainers(docker, installation)
  const networks = await docker.listNetworks({ filters: labelled(installation) })
  await Promise.all(networks.map(({ Id }) => docker.getNetwork(Id).remove({}).catch(gone)))
}

function labelled(installation: string): { label: string[] } {
  return { label: [`vm-api.installation=${installation}`] }
}

function gone(error: unknown): void {
  const status: unknown = typeof error === 'object' && error !== null ? Reflect.get(error, 'statusCode') : undefined
  if (status !== 404 && status !== 409) throw error
}
