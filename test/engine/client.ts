import Docker from 'dockerode'
import type { DockerTarget } from '../../src/provider/docker/target.ts'

/** An engine client of the tests' own, for what somebody does beside the service: kill, pause, remove by hand. */
export function clientOf({ at }: DockerTarget): Docker {
  if (at.kind === 'socket') return new Docker({ socketPath: at.path, host: undefined, port: undefined })
  return new Docker({ host: at.host, port: at.port, protocol: at.kind, ...(at.kind === 'https' && at.tls) })
}

/** Removes every container and network of `installation`. What is gone meanwhile is no error. */
export async function sweep(docker: Docker, installation: string): Promise<void> {
  const filters = { label: [`vm-api.installation=${installation}`] }
  const containers = await docker.listContainers({ all: true, filters })
  await Promise.all(containers.map(({ Id }) => docker.getContainer(Id).remove({ force: true, v: true }).catch(gone)))
  const networks = await docker.listNetworks({ filters })
  await Promise.all(networks.map(({ Id }) => docker.getNetwork(Id).remove({}).catch(gone)))
}

function gone(error: unknown): void {
  const status: unknown = typeof error === 'object' && error !== null ? Reflect.get(error, 'statusCode') : undefined
  if (status !== 404 && status !== 409) throw error
}
