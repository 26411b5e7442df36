import type { Client } from '../client/client.ts'
import type { Fleet } from './fleet.ts'
import { Strays } from './strays.tsx'
import { Sweeps } from './sweeps.tsx'
import { useAsked } from './use-asked.ts'

/** Sweeps come without a transition, so they are asked for. */
const everyMs = 5000

/** What only operators are shown of the fleet: what the service does by itself, and containers that belong to no workspace. */
export function OperatorsPart({ client, fleet }: { readonly client: Client; readonly fleet: Fleet }) {
  const { answer, trouble, again } = useAsked(client.operations, everyMs, [client])
  return (
    <>
      {answer !== null && answer.strays > 0 && (
        <Strays client={client} fleet={fleet} many={answer.strays} changed={again} />
      )}
      <Sweeps operations={answer} trouble={trouble} />
    </>
  )
}
