import type { Client } from '../client/client.ts'
import { useAsked } from './use-asked.ts'

/** Health changes without a transition, so it is asked for. */
const everyMs = 5000

/** Whether engine and database are well. */
export function HealthBadge({ client }: { readonly client: Client }) {
  const { answer, trouble: silence } = useAsked(client.readiness, everyMs, [client])
  const health = silence ?? answer
  if (health === null) return <span class="badge">Health…</span>
  const trouble = typeof health === 'string' ? health : health.error
  return (
    <span class={trouble === undefined ? 'badge well' : 'badge ill'} role="status" title={trouble}>
      <span class="dot" aria-hidden="true" />
      {trouble !== undefined && <span class="hidden">{trouble}</span>}
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
