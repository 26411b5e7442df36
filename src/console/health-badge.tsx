import type { Client } from '../client/client.ts'
import { useQuery } from './use-query.ts'

/** Health is polled, since no event reports it. */
const pollIntervalMs = 5000

/** Whether the engine and the database are connected. */
export function HealthBadge({ client }: { readonly client: Client }) {
  const { data: readiness, error: requestError } = useQuery(client.readiness, pollIntervalMs, [client])
  const health = requestError ?? readiness
  if (health === null) return <span class="badge">Checking health…</span>
  const problem = typeof health === 'string' ? health : health.error
  return (
    <span class={problem === undefined ? 'badge healthy' : 'badge unhealthy'} role="status" title={problem}>
      <span class="dot" aria-hidden="true" />
      {problem !== undefined && <span class="visually-hidden">{problem}</span>}
      {typeof health === 'string' ? 'Service unreachable' : `Database ${health.database}, engine ${health.provider}`}
    </span>
  )
}
