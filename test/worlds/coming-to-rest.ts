import type { Life } from './history.ts'
import type { Request } from './ledger.ts'
import { supervisorOf } from './simulated-world.ts'
import type { SimulatedWorld } from './simulated-world.ts'
import { storedOf, stateOf } from './state-on-disk.ts'
import { ours } from './unruly-engine.ts'
import type { Lying } from './world-disk.ts'

/** What was cut off may be carried out this much later: a request that hung, and a notice of it. */
const afterwardsMs = 180_000
/** Of one process: two sweeps and the next expiry. None belongs to a workspace at rest (law 6). */
const timersAtRest = 3

/** With the faults over and hours gone by: everything is at rest, where the last accepted command and what was seen since explain it. */
export function checkRest(world: SimulatedWorld): void {
  const rows = world.disk.rows()
  for (const row of rows) atRest(world, row)
  const supervisor = supervisorOf(world)
  if (!supervisor) return world.blame('nobody serves in the end')
  const { queued, working } = supervisor.queue()
  if (queued + working > 0) world.blame(`law 5: ${queued} are queued and ${working} at work in the end`)
  if (world.engine.inFlight().some(({ workspaceId }) => workspaceId)) world.blame('something is under way in the end')
  const timers = world.process()?.pendingTimers() ?? 0
  if (timers > timersAtRest) world.blame(`law 6: ${timers} timers are set in the end`)
  const health = supervisor.health()
  if (health.provider !== null) world.blame(`the engine is said to be away in the end: ${health.provider}`)
  const strays = supervisor.strays().map(({ containerId }) => containerId)
  if (strays.join() !== world.strangers.unheardOf) world.blame(`law 8: the strays are ${strays.length}, not the one`)
  for (const { workspaceId, installation, containerId } of world.engine.host.containers.values()) {
    if (installation !== ours || containerId === world.strangers.unheardOf) continue
    if (!rows.some(({ id }) => id === workspaceId))
      world.blame(`law 4: the container of ${world.ledger.find(workspaceId)?.label} outlives it`)
  }
}

function atRest(world: SimulatedWorld, row: Lying): void {
  const life = world.history.lives.get(row.id)
  if (!life) return world.blame('law 2: a row has no journal')
  const { label } = life.known
  const state = stateOf(row.snapshot)
  const { context } = storedOf(row.snapshot)
  if (row.expiresAt !== null && row.expiresAt < world.clock.now())
    world.blame(`law 6: ${label} is past its time and is still there`)
  const [container] = world.engine.host.of(ours, row.id)
  const runs = container?.state.kind === 'running'
  if (!['running.up', 'stopped.idle', 'failed'].includes(state)) world.blame(`law 5: ${label} ends in ${state}`)
  if (state === 'running.up' && (!runs || container.containerId !== context.containerId))
    world.blame(`law 8: ${label} is said to run, and its container does not`)
  if (state === 'stopped.idle' && runs) world.blame(`law 8: ${label} is said to be stopped, and its container runs`)
  if (state === 'running.up' && runs && JSON.stringify(context.connection) !== connectionOf(container.state))
    world.blame(`law 8: ${label} is said to be where it is not`)
  if (context.containerId && context.containerId !== container?.containerId)
    world.blame(`law 8: ${label} remembers a container that is not there`)
  explained(world, life, row, state, context.reason)
}

const connectionOf = (state: object) => JSON.stringify('connection' in state ? state.connection : null)

function explained(world: SimulatedWorld, life: Life, row: Lying, state: string, reason: string | null): void {
  const { label } = life.known
  const last = lastAccepted(life)
  if (!last) return world.blame(`law 2: nobody ever asked for ${label}`)
  const where = `${label}, last told to ${last.said}, ends in ${state} (${reason ?? 'no reason'})`
  const wanted = last.said === 'stop' ? 'stopped.idle' : 'running.up'
  const doomed = storedOf(row.snapshot).context.template !== 'base' && wanted === 'running.up'
  // Something that befell it may have been seen only now: everything was frozen, or its notice was lost.
  const seen = life.lines.some(({ moment, event }) => moment >= last.moment && observed.has(event))
  if (!troubled(world, life, last.moment, seen)) {
    const right = doomed ? state === 'failed' && reason !== null : state === wanted && reason === null
    if (!right) world.blame(`nothing went wrong, yet ${where}`)
  } else if (state !== wanted && reason === null) {
    // It was started, or ended and started again with its engine, by others: that is an explanation of its own.
    if (state !== 'running.up' || !seen) world.blame(`law 5: ${where}`)
  }
  truthful(world, life, reason)
}

/** The last command that was accepted, or that may have been: the journal has it. */
function lastAccepted({ known, lines }: Life): Request | undefined {
  return known.requests.findLast(({ said, at, answer }) => {
    if (said === 'amend' || said === 'delete') return false
    if (answer === 'accepted') return true
    return answer === 'unheard' && lines.some((line) => line.event === said && line.at === at)
  })
}

function troubled(world: SimulatedWorld, { known }: Life, since: number, seen: boolean): boolean {
  const from = since - afterwardsMs
  const own = world.engine.host.misfortunes.get(known.id) ?? []
  return (
    (seen && own.length > 0) || own.some(({ at }) => at >= from) || world.disturbances.some((moment) => moment >= from)
  )
}

const observed = new Set(['exited', 'vanished', 'appeared'])
/** What is said of something that is under way, which nothing is at rest. */
const unfinished = /^(Step "|It could not be stopped yet|It went down together|Its container could not be removed)/

/** What people are told went wrong did go wrong. */
function truthful(world: SimulatedWorld, { known }: Life, reason: string | null): void {
  const befell = new Set((world.engine.host.misfortunes.get(known.id) ?? []).map(({ trouble }) => trouble))
  const lie =
    (reason?.startsWith('Its container was removed by someone else') === true && !befell.has('removed')) ||
    (reason?.startsWith('It was killed because it ran out of memory') === true && !befell.has('out-of-memory')) ||
    (reason?.startsWith('It ended with') === true && befell.size === 0) ||
    unfinished.test(reason ?? '')
  if (lie) world.blame(`${known.label} is said to have met what it has not: ${reason}`)
}
