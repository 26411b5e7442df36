import { checkQuiescence } from './checks/quiescence-check.ts'
import { operationRunner } from './operations.ts'
import { createSimulation, currentSupervisor } from './simulation.ts'
import type { Simulation } from './simulation.ts'
import type { SimulationDatabase } from './simulation-database.ts'
import type { SimulationPlan } from './plan.ts'
import type { Mutation } from './simulated-process.ts'

/** What came of a world. */
export interface SimulationOutcome {
  readonly violations: readonly string[]
  /** What happened, line by line. The same in every run of a plan. */
  readonly trace: readonly string[]
}

const minute = 60_000

/** Plays one world to its end: its doings, then hours without any fault, then a last create, and a delete of everything. */
export async function simulate(
  disk: SimulationDatabase,
  plan: SimulationPlan,
  mutation: Mutation = {},
): Promise<SimulationOutcome> {
  disk.clear()
  let check = () => {}
  const simulation = createSimulation(disk, { plan, mutation, afterTimer: () => check() })
  const operator = operationRunner(simulation)
  check = whenChanged(simulation, operator.look)
  try {
    simulation.engine.setFaultProfile(plan.temper)
    for (const operation of plan.operations) {
      await operator.run(operation)
      if (simulation.violations.length > 0) break
    }
    if (simulation.violations.length === 0) await finish(simulation, operator)
  } catch (error) {
    simulation.reportViolation(
      `the world broke down: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    )
  }
  await simulation.stop('kill')
  return { violations: simulation.violations, trace: simulation.trace }
}

async function finish(simulation: Simulation, { endFaults, look: check, client }: ReturnType<typeof operationRunner>) {
  const { clock, disk } = simulation
  await endFaults()
  await clock.advance(75 * minute)
  // One may have expired just now.
  for (let remaining = 10; remaining > 0 && disk.rows().some(({ status }) => status === 'deleting'); remaining -= 1)
    await clock.advance(minute)
  check()
  checkQuiescence(simulation)
  if (simulation.violations.length > 0) return
  client.create({ kind: 'create', owner: 0, name: 99, template: 'base', ttlSeconds: null, key: null })
  await clock.advance(5 * minute)
  check()
  const workspaceRow = disk.rows().find(({ name }) => name === 'n99')
  if (workspaceRow?.status !== 'running') simulation.reportViolation('in the end a new workspace does not come up')
  for (const workspace of simulation.ledger.all())
    if (disk.row(workspace.id)) client.tell(workspace, { type: 'delete' })
  await clock.advance(10 * minute)
  check()
  checkQuiescence(simulation)
  if (!client.idle()) simulation.reportViolation('somebody waits for an answer in the end')
  for (const { label } of simulation.ledger.all().filter(({ id }) => disk.row(id)))
    simulation.reportViolation(`law 4: ${label} was deleted, and is still there`)
  if (!currentSupervisor(simulation)) simulation.reportViolation('nobody serves in the end')
}

/** Looks only when something has changed since: most rings are sweeps that find nothing to do. */
function whenChanged(simulation: Simulation, check: () => void): () => void {
  let lastChecked = ''
  return () => {
    if (!simulation.process()) return
    const states = [...simulation.engine.host.containers.values()].map(({ state }) => state.kind)
    const current = [simulation.trace.length, simulation.history.commitCount(), ...states].join()
    if (current === lastChecked) return
    check()
    lastChecked = current
  }
}
