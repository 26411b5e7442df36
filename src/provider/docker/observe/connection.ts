import type { Connection } from '../../../workspace/container.ts'
import { jsonField, arrayField, stringField } from '../engine/json-fields.ts'

/** How clients reach a container. `ports` maps container ports to ports on the host's loopback; omitted if empty. */
export function containerConnection(containerId: string, ports: Readonly<Record<string, number>>): Connection {
  const container_id = containerId.slice(0, 12)
  return Object.keys(ports).length === 0 ? { container_id } : { container_id, ports }
}

/** The published ports in the result of an inspect: container port to host port. */
export function publishedPorts(inspection: unknown): Readonly<Record<string, number>> {
  const ports: Record<string, number> = {}
  for (const [containerPort, bindings] of Object.entries(jsonField(inspection, 'NetworkSettings', 'Ports') ?? {})) {
    const hostPort = Number(arrayField(bindings).map((binding) => stringField(binding, 'HostPort'))[0])
    if (hostPort > 0) ports[containerPort.replace('/tcp', '')] = hostPort
  }
  return ports
}
