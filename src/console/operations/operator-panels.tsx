import type { Client } from '../../client/client.ts'
import type { FleetStore } from '../fleet/fleet-store.ts'
import { OrphansPanel } from './orphans.tsx'
import { SweepsPanel } from './sweeps.tsx'
import { useQuery } from '../use-query.ts'

/** Sweeps come without a transition, so they are asked for. */
const pollIntervalMs = 5000

/** What only operators are shown of the fleet: what the service does by itself, and containers that belong to no workspace. */
export function OperatorPanels({ client, fleet }: { readonly client: Client; readonly fleet: FleetStore }) {
  const { data: operations, error, refetch } = useQuery(client.operations, pollIntervalMs, [client])
  return (
    <>
      {operations !== null && operations.orphans > 0 && (
        <OrphansPanel client={client} fleet={fleet} count={operations.orphans} onChange={refetch} />
      )}
      <SweepsPanel operations={operations} error={error} />
    </>
  )
}
