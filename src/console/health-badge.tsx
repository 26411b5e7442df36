import type { Client } from '../client/client.ts'
import { useQuery } from './use-query.ts'

/** Health changes without a transition, so it is asked for. */
const pollIntervalMs = 5000

/** Whether engine and database are well. */
export function HealthBadge({ client }: { readonly client: Client }) {
  const { data: readiness, error: requestError } = useQuery(client.readiness, pollIntervalMs, [client])
  const health = requestError ?? readiness
  if (health === null) return <span class="badge">Health…</span>
  const problem = typeof health === 'string' ? health : health.error
  return (
    <span class={problem === undefined ? 'badge well' : 'badge ill'} role="status" title={problem}>
      <span class="dot" aria-hidden="true" />
      {problem !== undefined && <span class="hidden">{problem}</span>}
      {typeof health === 'string' ? (
        'Service does not answer'
      ) : (
        <>
          {health.database === 'connected' ? 'Database well' : 'Database away'}
          {', '}
          {health.provider === 'connected' ? 'engine well' : 'engine away'}
        </>
      )}
    </span>
  )
}
