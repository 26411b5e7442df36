import { done, type Outcome } from '../../workspace/fault.ts'
import type { Engine } from './engine.ts'
import { isOurs, labelFilter } from './labels.ts'
import { field, text } from './shape.ts'

/** Removes the networks of `installation`. One that still has a running container on it is a fault. May be repeated. */
export async function clear(engine: Engine, installation: string, signal: AbortSignal): Promise<Outcome<void>> {
  const listed = await engine.ask(
    {
      what: 'list networks',
      withinMs: engine.deadlines.read,
      run: (docker, abortSignal) => docker.listNetworks({ filters: { label: labelFilter(installation) }, abortSignal }),
    },
    signal,
  )
  if (!listed.ok) return listed
  for (const network of listed.value.filter((each) => isOurs(field(each, 'Labels'), installation))) {
    const id = text(network, 'Id') ?? ''
    const removed = await engine.ask(
      {
        what: `remove the network ${text(network, 'Name') ?? id}`,
        withinMs: engine.deadlines.make,
        run: (docker, abortSignal) => docker.getNetwork(id).remove({ abortSignal }),
      },
      signal,
    )
    if (!removed.ok && removed.status !== 404) return removed
  }
  return done(undefined)
}
