import type { WorkspaceId } from '../../../src/workspace/id.ts'
import type { EngineRequest, EngineVerb } from '../engine/engine-request.ts'
import type { Simulation } from '../simulation.ts'
import { storedStatePath } from './stored-state.ts'

/** The states in which a verb may begin. The supervisor's own reads (inspect, list, ping) may begin at any time. */
const allowedStates: Readonly<Partial<Record<EngineVerb, readonly string[]>>> = {
  image: ['creating.image'],
  container: ['creating.container'],
  boot: ['creating.boot', 'stopped.starting.boot'],
  setup: ['creating.setup', 'stopped.starting.setup'],
  stop: ['running.stopping.halting', 'running.restarting.halting'],
  remove: ['deleting.destroying'],
}

const provisioning: ReadonlySet<EngineVerb> = new Set(['image', 'container', 'boot', 'setup'])

/** Checks every request as it begins against the row on disk and the other pending requests (laws 1 and 8, slots). */
export function effectStartCheck(simulation: Simulation) {
  return (request: EngineRequest, others: readonly EngineRequest[]): void => {
    simulation.clock.recordActivity()
    const { verb, workspaceId, containerId } = request
    const allowedForVerb = allowedStates[verb]
    if (!allowedForVerb || !workspaceId) return
    const row = simulation.disk.row(workspaceId)
    const label = simulation.ledger.find(workspaceId)?.label ?? 'an unknown workspace'
    if (!row) return checkWithoutRow(verb, workspaceId, containerId)
    const state = storedStatePath(row.snapshot)
    if (!allowedForVerb.includes(state))
      simulation.reportViolation(`law 1: ${verb} of ${label} begins while its state on disk is ${state}`)
    if (others.some((other) => other.workspaceId === workspaceId && other.verb in allowedStates))
      simulation.reportViolation(`${verb} of ${label} begins while another request of the workspace is pending`)
    const provisioningCount = [request, ...others].filter(
      (active) => provisioning.has(active.verb) && !active.signal.aborted,
    ).length
    if (provisioningCount > simulation.plan.concurrency)
      simulation.reportViolation(`${provisioningCount} workspaces are provisioned at the same time`)
  }

  function checkWithoutRow(verb: EngineVerb, id: WorkspaceId, containerId: string | null) {
    for (const violation of simulation.history.readNew()) simulation.reportViolation(violation)
    if (
      verb === 'remove' &&
      containerId !== null &&
      simulation.history.workspaces.get(id)?.lines.at(-1)?.to === 'deleted'
    )
      return
    const label = simulation.ledger.find(id)?.label ?? 'an unknown workspace'
    simulation.reportViolation(`law ${verb === 'remove' ? 8 : 1}: ${verb} of ${label}, which has no row on disk`)
  }
}
