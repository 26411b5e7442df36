import type { WorkspaceHistory } from '../journal-history.ts'
import type { LedgerRequest } from '../ledger.ts'
import { currentSupervisor } from '../simulation.ts'
import type { Simulation } from '../simulation.ts'
import { parseStored, storedStatePath } from './stored-state.ts'
import { ownInstallation } from '../engine/faulty-engine.ts'
import type { StoredRow } from '../simulation-database.ts'

/** How much later an aborted request may still take effect, including the notice of it. */
const lateEffectMs = 180_000
/** Timers of an idle process: two sweeps and the next expiry. None belongs to a settled workspace (law 6). */
const idleTimerCount = 3

/** Checks hours after the last fault: every workspace is settled, in a state that its last accepted command and later observations explain. */
export function checkQuiescence(simulation: Simulation): void {
  const rows = simulation.disk.rows()
  for (const row of rows) checkWorkspaceAtRest(simulation, row)
  const supervisor = currentSupervisor(simulation)
  if (!supervisor) return simulation.reportViolation('no process runs in the end')
  const { queued, working } = supervisor.queue()
  if (queued + working > 0)
    simulation.reportViolation(`law 5: ${queued} workspaces are queued and ${working} hold slots in the end`)
  if (simulation.engine.inFlight().some(({ workspaceId }) => workspaceId))
    simulation.reportViolation('a request is pending in the end')
  const timers = simulation.process()?.pendingTimers() ?? 0
  if (timers > idleTimerCount) simulation.reportViolation(`law 6: ${timers} timers are set in the end`)
  const health = supervisor.health()
  if (health.provider !== null)
    simulation.reportViolation(`the engine is reported unavailable in the end: ${health.provider}`)
  const orphanIds = supervisor.orphans().map(({ containerId }) => containerId)
  if (orphanIds.join() !== simulation.foreignContainers.unknownWorkspace)
    simulation.reportViolation(`law 8: ${orphanIds.length} orphans are listed instead of the expected one`)
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
    simulation.reportViolation(`law 6: ${label} is past its expiry and still exists`)
  const [container] = simulation.engine.host.containersOf(ownInstallation, row.id)
  const isRunning = container?.state.kind === 'running'
  if (!['running.up', 'stopped.idle', 'failed'].includes(state))
    simulation.reportViolation(`law 5: ${label} ends in ${state}`)
  if (state === 'running.up' && (!isRunning || container.containerId !== context.containerId))
    simulation.reportViolation(`law 8: ${label} is running, but its container is not`)
  if (state === 'stopped.idle' && isRunning)
    simulation.reportViolation(`law 8: ${label} is stopped, but its container runs`)
  if (state === 'running.up' && isRunning && JSON.stringify(context.connection) !== connectionOf(container.state))
    simulation.reportViolation(`law 8: ${label} has an outdated connection`)
  if (context.containerId && context.containerId !== container?.containerId)
    simulation.reportViolation(`law 8: ${label} names a container that does not exist`)
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
  if (!last) return simulation.reportViolation(`law 2: no client created ${label}`)
  const description = `${label}, whose last command was ${last.command}, ends in ${state} (${reason ?? 'no reason'})`
  const expectedState = last.command === 'stop' ? 'stopped.idle' : 'running.up'
  const cannotStart = parseStored(row.snapshot).context.template !== 'base' && expectedState === 'running.up'
  // A change may be observed late: the process was frozen, or the notice was lost.
  const wasObserved = history.lines.some(({ moment, event }) => moment >= last.moment && observedEvents.has(event))
  if (!wasDisturbed(simulation, history, last.moment, wasObserved)) {
    const isExpected = cannotStart ? state === 'failed' && reason !== null : state === expectedState && reason === null
    if (!isExpected) simulation.reportViolation(`without any fault, ${description}`)
  } else if (state !== expectedState && reason === null) {
    // A container started by hand, or restarted after its engine, explains a running state.
    if (state !== 'running.up' || !wasObserved) simulation.reportViolation(`law 5: ${description}`)
  }
  checkReasonTruthful(simulation, history, reason)
}

/** Returns the last command that was accepted, or that got no answer but is in the journal. */
function lastAcceptedCommand({ workspace, lines }: WorkspaceHistory): LedgerRequest | undefined {
  return workspace.requests.findLast(({ command, at, outcome }) => {
    if (command === 'update' || command === 'delete') return false
    if (outcome === 'accepted') return true
    return outcome === 'unanswered' && lines.some((line) => line.event === command && line.at === at)
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
/** Reasons of transient states, which no settled workspace may have. */
const transientReason = /^(Step "|It could not be stopped yet|It went down together|Its container could not be removed)/

/** Checks that a reason describes something that happened. */
function checkReasonTruthful(simulation: Simulation, { workspace }: WorkspaceHistory, reason: string | null): void {
  const eventKinds = new Set((simulation.engine.host.hostEvents.get(workspace.id) ?? []).map(({ kind }) => kind))
  const isFalse =
    (reason?.startsWith('Its container was removed by someone else') === true && !eventKinds.has('removed')) ||
    (reason?.startsWith('It was killed because it ran out of memory') === true && !eventKinds.has('out-of-memory')) ||
    (reason?.startsWith('It ended with') === true && eventKinds.size === 0) ||
    transientReason.test(reason ?? '')
  if (isFalse) simulation.reportViolation(`${workspace.label} has a reason that did not occur: ${reason}`)
}
