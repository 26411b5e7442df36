import type { Connection } from '../../workspace/container.ts'

/**
 * How the container `id` is reached: `ports` are those inside with those on the host's loopback, and are left out if
 * there are none.
 */
export function connectionTo(id: string, ports: Readonly<Record<string, number>>): Connection {
  const container_id = id.slice(0, 12)
  return Object.keys(ports).length === 0 ? { container_id } : { container_id, ports }
}
