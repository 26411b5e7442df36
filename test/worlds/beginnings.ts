import type { WorkspaceId } from '../../src/workspace/id.ts'
import type { Request, Verb } from './request.ts'
import type { SimulatedWorld } from './simulated-world.ts'
import { stateOf } from './state-on-disk.ts'

/** The states in which a verb may begin. Looks of the supervisor's own (inspect, inventory, ready) may begin at any time. */
const states: Readonly<Partial<Record<Verb, readonly string[]>>> = {
  image: ['creating.image'],
  container: ['creating.container'],
  boot: ['creating.boot', 'stopped.starting.boot'],
  setup: ['creating.setup', 'stopped.starting.setup'],
  halt: ['running.stopping.halting', 'running.restarting.halting'],
  remove: ['deleting.destroying'],
}

const provisioning: ReadonlySet<Verb> = new Set(['image', 'container', 'boot', 'setup'])

/** Watches every request as it begins: what the disk has of its workspace, and what else is under way (laws 1 and 8, slots). */
export function beginnings(world: SimulatedWorld) {
  return (request: Request, others: readonly Request[]): void => {
    world.clock.stir()
    const { verb, workspaceId, containerId } = request
    const allowed = states[verb]
    if (!allowed || !workspaceId) return
    const row = world.disk.row(workspaceId)
    const label = world.ledger.find(workspaceId)?.label ?? 'a stranger'
    if (!row) return leftOver(verb, workspaceId, containerId)
    const state = stateOf(row.snapshot)
    if (!allowed.includes(state)) world.blame(`law 1: ${verb} of ${label} begins while the disk has it in ${state}`)
    if (others.some((other) => other.workspaceId === workspaceId && other.verb in states))
      world.blame(`${verb} of ${label} begins while another verb of its process is under way`)
    const working = [request, ...others].filter((it) => provisioning.has(it.verb) && !it.signal.aborted).length
    if (working > world.plan.concurrency) world.blame(`${working} workspaces are provisioned at a time`)
  }

  function leftOver(verb: Verb, id: WorkspaceId, containerId: string | null) {
    for (const wrong of world.history.follow()) world.blame(wrong)
    if (verb === 'remove' && containerId !== null && world.history.lives.get(id)?.lines.at(-1)?.to === 'deleted') return
    const label = world.ledger.find(id)?.label ?? 'a stranger'
    world.blame(`law ${verb === 'remove' ? 8 : 1}: ${verb} of ${label}, of which the disk has no row`)
  }
}
