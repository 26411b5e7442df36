import { useEffect, useState } from 'preact/hooks'
import type { Client, Readiness } from '../client/client.ts'
import { said } from './fleet.ts'

/** Health changes without a transition, so it is asked for. */
const everyMs = 5000

/** Whether engine and database are well. */
export function HealthBadge({ client }: { readonly client: Client }) {
  const [health, setHealth] = useState<Readiness | string | null>(null)
  useEffect(() => {
    let over = false
    const ask = async () => {
      const next = await client.readiness().catch(said)
      if (!over) setHealth(next)
    }
    void ask()
    const timer = setInterval(() => void ask(), everyMs)
    return () => {
      over = true
      clearInterval(timer)
    }
  }, [client])
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
