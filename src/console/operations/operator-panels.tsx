import type { Client } from '../../client/client.ts'
import type { FleetStore } from '../fleet/fleet-store.ts'
import { useQuery } from '../use-query.ts'
import { OrphansPanel } from './orphans.tsx'
import { SweepsPanel } from './sweeps.tsx'

/** Sweeps are polled, since no event reports them. */
const pollIntervalMs = 5000

/** The panels that only operators see: orphaned containers, the provisioning queue and the sweeps. */
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
