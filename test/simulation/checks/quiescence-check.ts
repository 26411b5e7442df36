import type { WorkspaceHistory } from '../journal-history.ts'
import type { LedgerRequest } from '../ledger.ts'
import { currentSupervisor } from '../simulation.ts'
import type { Simulation } from '../simulation.ts'
import { parseStored, storedStatePath } from './stored-state.ts'
import { ownInstallation } from '../engine/faulty-engine.ts'
import type { StoredRow } from '../simulation-database.ts'

/** What was cut off may be carried out this much later: a request that hung, and a notice of it. */
const lateEffectMs = 180_000
/** Of one process: two sweeps and the next expiry. None belongs to a workspace at rest (law 6). */
const idleTimerCount = 3

/** With the faults over and hours gone by: everything is at rest, where the last accepted command and what was seen since explain it. */
export function checkQuiescence(simulation: Simulation): void {
  const rows = simulation.disk.rows()
  for (const row of rows) checkWorkspaceAtRest(simulation, row)
  const supervisor = currentSupervisor(simulation)
  if (!supervisor) return simulation.reportViolation('nobody serves in the end')
  const { queued, working } = supervisor.queue()
  if (queued + working > 0) simulation.reportViolation(`law 5: ${queued} are queued and ${working} at work in the end`)
  if (simulation.engine.inFlight().some(({ workspaceId }) => workspaceId))
    simulation.reportViolation('something is under way in the end')
  const timers = simulation.process()?.pendingTimers() ?? 0
  if (timers > idleTimerCount) simulation.reportViolation(`law 6: ${timers} timers are set in the end`)
  const health = supervisor.health()
  if (health.provider !== null)
    simulation.reportViolation(`the engine is said to be away in the end: ${health.provider}`)
  const orphanIds = supervisor.orphans().map(({ containerId }) => containerId)
  if (orphanIds.join() !== simulation.foreignContainers.unknownWorkspace)
    simulation.reportViolation(`law 8: the orphans are ${orphanIds.length}, not the one`)
  for (const { workspaceId, installation, containerId } of simulation.engine.host.containers.values()) {
    if (installation !== ownInstallation || containerId === simulation.foreignContainers.unknownWorkspace) continue
    if (!rows.some(({ id }) => id === workspaceId))
      simulation.reportViolation(`law 4: the container of ${simulation.ledger.find(workspaceId)?.label} outlives it`)
  }
}

function checkWorkspaceAtRest(simulation: Simulation, row: StoredRow): void {
  const history = simulation.history.workspaces.get(row.id)
  if (!history) return simulation.reportViolation('law 2: a row has no journal')
  const { label } = history.workspace
  const state = storedStatePath(row.snapshot)
  const { context } = parseStored(row.snapshot)
  if (row.expiresAt !== null && row.expiresAt < simulation.clock.now())
    simulation.reportViolation(`law 6: ${label} is past its time and is still there`)
  const [container] = simulation.engine.host.containersOf(ownInstallation, row.id)
  const isRunning = container?.state.kind === 'running'
  if (!['running.up', 'stopped.idle', 'failed'].includes(state))
    simulation.reportViolation(`law 5: ${label} ends in ${state}`)
  if (state === 'running.up' && (!isRunning || container.containerId !== context.containerId))
    simulation.reportViolation(`law 8: ${label} is said to run, and its container does not`)
  if (state === 'stopped.idle' && isRunning)
    simulation.reportViolation(`law 8: ${label} is said to be stopped, and its container runs`)
  if (state === 'running.up' && isRunning && JSON.stringify(context.connection) !== connectionOf(container.state))
    simulation.reportViolation(`law 8: ${label} is said to be where it is not`)
  if (context.containerId && context.containerId !== container?.containerId)
    simulation.reportViolation(`law 8: ${label} remembers a container that is not there`)
  checkExplained(simulation, history, row, state, context.reason)
}

const connectionOf = (state: object) => JSON.stringify('connection' in state ? state.connection : null)

function checkExplained(
  simulation: Simulation,
  history: WorkspaceHistory,
  row: StoredRow,
  state: string,
  reason: string | null,
): void {
  const { label } = history.workspace
  const last = lastAcceptedCommand(history)
  if (!last) return simulation.reportViolation(`law 2: nobody ever asked for ${label}`)
  const description = `${label}, last told to ${last.command}, ends in ${state} (${reason ?? 'no reason'})`
  const expectedState = last.command === 'stop' ? 'stopped.idle' : 'running.up'
  const cannotStart = parseStored(row.snapshot).context.template !== 'base' && expectedState === 'running.up'
  // Something that befell it may have been seen only now: everything was frozen, or its notice was lost.
  const wasObserved = history.lines.some(({ moment, event }) => moment >= last.moment && observedEvents.has(event))
  if (!wasDisturbed(simulation, history, last.moment, wasObserved)) {
    const isExpected = cannotStart ? state === 'failed' && reason !== null : state === expectedState && reason === null
    if (!isExpected) simulation.reportViolation(`nothing went wrong, yet ${description}`)
  } else if (state !== expectedState && reason === null) {
    // It was started, or ended and started again with its engine, by others: that is an explanation of its own.
    if (state !== 'running.up' || !wasObserved) simulation.reportViolation(`law 5: ${description}`)
  }
  checkReasonTruthful(simulation, history, reason)
}

/** The last command that was accepted, or that may have been: the journal has it. */
function lastAcceptedCommand({ workspace, lines }: WorkspaceHistory): LedgerRequest | undefined {
  return workspace.requests.findLast(({ command, at, outcome }) => {
    if (command === 'update' || command === 'delete') return false
    if (outcome === 'accepted') return true
    return outcome === 'unheard' && lines.some((line) => line.event === command && line.at === at)
  })
}

function wasDisturbed(
  simulation: Simulation,
  { workspace }: WorkspaceHistory,
  since: number,
  wasObserved: boolean,
): boolean {
  const from = since - lateEffectMs
  const ownEvents = simulation.engine.host.hostEvents.get(workspace.id) ?? []
  return (
    (wasObserved && ownEvents.length > 0) ||
    ownEvents.some(({ at }) => at >= from) ||
    simulation.disturbances.some((moment) => moment >= from)
  )
}

const observedEvents = new Set(['exited', 'vanished', 'appeared'])
/** What is said of something that is under way, which nothing is at rest. */
const transientReason = /^(Step "|It could not be stopped yet|It went down together|Its container could not be removed)/

/** What people are told went wrong did go wrong. */
function checkReasonTruthful(simulation: Simulation, { workspace }: WorkspaceHistory, reason: string | null): void {
  const eventKinds = new Set((simulation.engine.host.hostEvents.get(workspace.id) ?? []).map(({ kind }) => kind))
  const isFalse =
    (reason?.startsWith('Its container was removed by someone else') === true && !eventKinds.has('removed')) ||
    (reason?.startsWith('It was killed because it ran out of memory') === true && !eventKinds.has('out-of-memory')) ||
    (reason?.startsWith('It ended with') === true && eventKinds.size === 0) ||
    transientReason.test(reason ?? '')
  if (isFalse) simulation.reportViolation(`${workspace.label} is said to have met what it has not: ${reason}`)
}
