import { ok, type Outcome } from '../../../workspace/fault.ts'
import type { Engine } from '../engine/engine.ts'
import { hasInstallationLabel, labelFilter } from '../engine/labels.ts'
import { jsonField, stringField } from '../engine/json-fields.ts'

/** Removes the networks of `installation`. One that still has a running container on it is a fault. May be repeated. */
export async function clear(engine: Engine, signal: AbortSignal): Promise<Outcome<void>> {
  const networks = await engine.request(
    {
      action: 'list networks',
      timeoutMs: engine.timeouts.readMs,
      run: (docker, abortSignal) =>
        docker.listNetworks({ filters: { label: labelFilter(engine.installation) }, abortSignal }),
    },
    signal,
  )
  if (!networks.ok) return networks
  for (const network of networks.value.filter((candidate) =>
    hasInstallationLabel(jsonField(candidate, 'Labels'), engine.installation),
  )) {
    const id = stringField(network, 'Id') ?? ''
    const removal = await engine.request(
      {
        action: `remove the network ${stringField(network, 'Name') ?? id}`,
        timeoutMs: engine.timeouts.createMs,
        run: (docker, abortSignal) => docker.getNetwork(id).remove({ abortSignal }),
      },
      signal,
    )
    if (!removal.ok && removal.status !== 404) return removal
  }
  return ok(undefined)
}
