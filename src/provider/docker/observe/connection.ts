import type { Connection } from '../../../workspace/container.ts'
import { jsonField, arrayField, stringField } from '../engine/json-fields.ts'

/**
 * How the container `id` is reached: `ports` are those inside with those on the host's loopback, and are left out if
 * there are none.
 */
export function containerConnection(containerId: string, ports: Readonly<Record<string, number>>): Connection {
  const container_id = containerId.slice(0, 12)
  return Object.keys(ports).length === 0 ? { container_id } : { container_id, ports }
}

/** Ports inside a container, and where on the host an inspect says that they are published. */
export function publishedPorts(info: unknown): Readonly<Record<string, number>> {
  const ports: Record<string, number> = {}
  for (const [containerPort, bindings] of Object.entries(jsonField(info, 'NetworkSettings', 'Ports') ?? {})) {
    const hostPort = Number(arrayField(bindings).map((binding) => stringField(binding, 'HostPort'))[0])
    if (hostPort > 0) ports[containerPort.replace('/tcp', '')] = hostPort
  }
  return ports
}
