import { encodeSnapshot } from '../../../src/persistence/snapshot-codec.ts'
import type { WorkspaceHistory } from '../journal-history.ts'
import { isDeleteAcknowledged } from '../ledger.ts'
import { simulatedOperator, simulatedOwners } from '../simulation.ts'
import type { Simulation } from '../simulation.ts'
import { parseStored } from './stored-state.ts'
import { ownInstallation } from '../engine/faulty-engine.ts'
import type { StoredRow } from '../simulation-database.ts'
import type { SimulatedProcess } from '../simulated-process.ts'

const second = 1000
const minute = 60 * second
/** A create, a start or a stop may take 30 minutes in total, plus the time until a sweep resumes interrupted work. */
const maxTransitionMs = 30 * minute + 40 * second

/** Checks what must hold whenever no transition is half done. */
export function checkInvariants(simulation: Simulation): void {
  const rows = simulation.disk.rows()
  for (const violation of simulation.history.readNew()) simulation.reportViolation(violation)
  checkNames(simulation, rows)
  const process = simulation.process()
  for (const [id, history] of simulation.history.workspaces) {
    const row = rows.find((stored) => stored.id === id)
    checkDisk(simulation, history, row)
    checkDeleted(simulation, history)
    if (process) checkMemory(simulation, history, row, process)
    if (process) checkDeadlines(simulation, history, process)
    const containers = simulation.engine.host.containersOf(ownInstallation, id).length
    if (containers > 1) simulation.reportViolation(`${history.workspace.label} has ${containers} containers`)
  }
  const { otherInstallation, unknownWorkspace } = simulation.foreignContainers
  for (const foreignContainer of [otherInstallation, unknownWorkspace])
    if (simulation.engine.host.containers.get(foreignContainer)?.state.kind !== 'created')
      simulation.reportViolation('law 8: a foreign container was changed')
  if (process) checkLists(simulation, rows, process)
}

function checkNames(simulation: Simulation, rows: readonly StoredRow[]): void {
  const names = rows.filter(({ status }) => status !== 'deleting').map(({ owner, name }) => `${owner}/${name}`)
  if (new Set(names).size < names.length) simulation.reportViolation(`a name is used twice: ${names.join(' ')}`)
}

/** Checks the disk: acknowledged transitions are stored, and a row agrees with its journal and its snapshot. */
function checkDisk(
  simulation: Simulation,
  { workspace, lines, revision }: WorkspaceHistory,
  row: StoredRow | undefined,
): void {
  const { label } = workspace
  const lastLine = lines.at(-1)
  if (!row) {
    if (lastLine?.to !== 'deleted')
      simulation.reportViolation(`law 2: ${label} has no row on disk, but its journal ends in ${lastLine?.to}`)
    return
  }
  const { value, context } = parseStored(row.snapshot)
  const status = typeof value === 'string' ? value : Object.keys(value)[0]
  if (row.revision < revision) simulation.reportViolation(`law 2: the row of ${label} is older than its journal`)
  if (status !== row.status || !(lastLine?.to.startsWith(row.status) ?? false))
    simulation.reportViolation(
      `law 2: ${label} is ${row.status} in its row, ${status} in its snapshot, ${lastLine?.to} in its journal`,
    )
  if (context.expiresAt !== row.expiresAt)
    simulation.reportViolation(`law 6: the row of ${label} has another expiry time than its snapshot`)
  if (row.status === 'failed' && !context.reason) simulation.reportViolation(`law 5: ${label} failed without a reason`)
}

/** Law 4: a deleted workspace has no container. One that the engine makes later is left to the inventory. */
function checkDeleted(simulation: Simulation, { workspace, lines }: WorkspaceHistory): void {
  const lastLine = lines.at(-1)
  if (lastLine?.to !== 'deleted' || lastLine.moment !== simulation.clock.monotonic()) return
  const wasLate = simulation.engine.host.hostEvents.get(workspace.id)?.some(({ kind }) => kind === 'late') ?? false
  if (!wasLate && simulation.engine.host.containersOf(ownInstallation, workspace.id).length > 0)
    simulation.reportViolation(`law 4: ${workspace.label} is deleted while its container exists`)
}

/** Checks that the service shows what is on disk, and only to the owner. */
function checkMemory(
  simulation: Simulation,
  { workspace }: WorkspaceHistory,
  row: StoredRow | undefined,
  { supervisor }: SimulatedProcess,
): void {
  const { id, label, owner } = workspace
  const view = supervisor.find(id, simulatedOperator)
  if (!row && view) simulation.reportViolation(`law 2: ${label} is shown but not on disk`)
  if (row && view?.kind !== 'live') simulation.reportViolation(`law 2: ${label} is on disk but not shown`)
  if (row && view?.kind === 'live') {
    const [inMemory, onDisk] = [encodeSnapshot(view.snapshot), row.snapshot]
    if (inMemory !== onDisk || view.updatedAt !== row.updatedAt)
      simulation.reportViolation(`law 2: ${label} in memory differs from ${label} on disk`)
  }
  for (const caller of simulatedOwners) {
    const isShown = supervisor.find(id, caller) !== undefined
    if (isShown && caller.owner !== owner)
      simulation.reportViolation(`law 11: ${caller.owner} sees ${label}, which is ${owner}'s`)
    if (isShown && isDeleteAcknowledged(workspace))
      simulation.reportViolation(`law 4: ${label} is shown after its delete was acknowledged`)
    const exists = row !== undefined && row.status !== 'deleting'
    if (!isShown && exists && caller.owner === owner)
      simulation.reportViolation(`law 2: ${label} is not shown to its owner`)
  }
}

function checkLists(simulation: Simulation, rows: readonly StoredRow[], { supervisor }: SimulatedProcess): void {
  for (const caller of simulatedOwners) {
    const listed = supervisor.list({}, caller).workspaces.length
    const expectedCount = rows.filter(({ owner, status }) => owner === caller.owner && status !== 'deleting').length
    if (listed !== expectedCount)
      simulation.reportViolation(`law 2: ${caller.owner} has ${expectedCount} workspaces, but ${listed} are listed`)
  }
}

const transientState = /^(creating|stopped\.starting|running\.(stopping|restarting))/
const startEvents = new Set(['create', 'start', 'stop', 'restart', 'resume', 'exited', 'stop.done'])

/** Law 5: no workspace stays in a transient state past its deadline. */
function checkDeadlines(
  simulation: Simulation,
  { workspace, lines }: WorkspaceHistory,
  process: SimulatedProcess,
): void {
  const lastLine = lines.at(-1)
  if (!lastLine || !transientState.test(lastLine.to)) return
  const startLine = lines.findLast(({ event, to }) => startEvents.has(event) && transientState.test(to))
  // A refused write is rolled back: the next sweep resumes the workspace, which extends its deadline.
  const startedAt = Math.max(startLine?.moment ?? 0, process.startedAt, simulation.blockedUntil)
  if (simulation.clock.monotonic() - startedAt > maxTransitionMs)
    simulation.reportViolation(`law 5: ${workspace.label} has been ${lastLine.to} for too long`)
}
