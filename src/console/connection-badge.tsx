import type { FleetStore } from './fleet/fleet-store.ts'
import { useFleet } from './fleet/use-fleet.ts'

const labels = { connecting: 'Connecting…', connected: 'Live', reconnecting: 'Connection lost. Reconnecting…' } as const

/** Whether the page receives events. */
export function ConnectionBadge({ fleet }: { readonly fleet: FleetStore }) {
  const { connection } = useFleet(fleet)
  return (
    <span class={`badge connection-${connection}`} role="status">
      <span class="dot" aria-hidden="true" />
      {labels[connection]}
    </span>
  )
}
