import type { Connection } from '../../workspace/container.ts'
import { field, list, text } from './shape.ts'

/**
 * How the container `id` is reached: `ports` are those inside with those on the host's loopback, and are left out if
 * there are none.
 */
export function connectionTo(id: string, ports: Readonly<Record<string, number>>): Connection {
  const container_id = id.slice(0, 12)
  return Object.keys(ports).length === 0 ? { container_id } : { container_id, ports }
}

/** Ports inside a container, and where on the host an inspect says that they are published. */
export function publishedPorts(inspected: unknown): Readonly<Record<string, number>> {
  const ports: Record<string, number> = {}
  for (const [inside, bindings] of Object.entries(field(inspected, 'NetworkSettings', 'Ports') ?? {})) {
    const outside = Number(list(bindings).map((binding) => text(binding, 'HostPort'))[0])
    if (outside > 0) ports[inside.replace('/tcp', '')] = outside
  }
  return ports
}
